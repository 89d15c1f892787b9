import { BellhopError } from '../core/errors.ts';
import type { AnswerAnnotations } from '../entrypoint/annotated.ts';
import type { DeclareOptions } from '../entrypoint/declare.ts';
import type { Image } from '../plan/types.ts';
import type { Flags, Given } from './command.ts';

/** Flags of every command that reads a declaration. */
export const DECLARE_FLAGS: Flags = {
  file: {
    short: 'f',
    value: 'FILE',
    many: true,
    help: 'manifests: a file, a folder, or - for stdin; may be repeated',
  },
  config: { short: 'c', value: 'FILE', help: 'bellhop.yaml: stores, bindings, policy' },
  workload: { value: 'KIND/NAME', help: 'which workload, where the input has several' },
  container: {
    value: 'NAME',
    help: 'which container (default: the only one, or the annotated default)',
  },
  namespace: { value: 'NAME', help: 'namespace of a manifest that names none (default: default)' },
  field: {
    value: 'PATH=VALUE',
    many: true,
    help: 'what only a cluster knows, e.g. status.podIP=10.0.0.7',
  },
  node: {
    value: 'RESOURCE=AMOUNT',
    many: true,
    help: "the node's allocatable, e.g. cpu=4,memory=8Gi",
  },
  'image-entrypoint': { value: 'JSON', help: "the image's ENTRYPOINT, a JSON list" },
  'image-cmd': { value: 'JSON', help: "the image's CMD, a JSON list" },
  'image-user': { value: 'USER', help: "the image's USER" },
  'image-workdir': { value: 'DIR', help: "the image's WORKDIR" },
};

/** The flags as options. */
export function declareOptions(given: Given): DeclareOptions {
  const settings = given.text('config');
  const workload = given.text('workload');
  const container = given.text('container');
  const namespace = given.text('namespace');
  return {
    manifests: given.texts('file'),
    ...(settings === undefined ? {} : { settings }),
    ...(workload === undefined ? {} : { workload }),
    ...(container === undefined ? {} : { container }),
    ...(namespace === undefined ? {} : { namespace }),
    fields: given.texts('field'),
    node: given.texts('node'),
    image: imageOf(given),
    annotations,
  };
}

/** The webhook's part is loaded only for pods that ask for secrets by annotations. */
const annotations: AnswerAnnotations = async (pod) => {
  const { answerAnnotations } = await import('./annotations.ts');
  return answerAnnotations(pod);
};

function imageOf(given: Given): Image {
  const entrypoint = words(given, 'image-entrypoint');
  const cmd = words(given, 'image-cmd');
  const user = given.text('image-user');
  const workingDir = given.text('image-workdir');
  return {
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(cmd === undefined ? {} : { cmd }),
    ...(user === undefined ? {} : { user }),
    ...(workingDir === undefined ? {} : { workingDir }),
  };
}

/** A JSON list of strings, as `docker inspect` prints it; null is none. */
function words(given: Given, name: string): string[] | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = text;
  }
  if (parsed === null) return undefined;
  if (Array.isArray(parsed) && parsed.every((one) => typeof one === 'string')) return parsed;
  const what = 'must be a JSON list of strings, e.g. ["python", "train.py"]';
  throw new BellhopError('BH_ERR_USAGE', { where: [`--${name}`], what });
}

/** Commands other than `run` need a manifest, or settings that place something by themselves. */
export function needManifest(options: DeclareOptions): void {
  if (options.manifests.length > 0 || options.settings !== undefined) return;
  const what = 'no manifest is given';
  const help = 'give one with `-f pod.yaml`, or `-f -` for standard input';
  throw new BellhopError('BH_ERR_USAGE', { where: ['-f'], what, help });
}
