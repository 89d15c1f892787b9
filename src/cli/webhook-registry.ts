// Asking registries what images start, where `webhook.registry.allow` lets it.
import { BellhopError } from '../core/errors.ts';
import type { Io } from '../core/io/types.ts';
import { FsError } from '../core/io/types.ts';
import { recordIn } from '../stores/_rest.ts';
import type { ImageStarts } from '../webhook/image-starts.ts';
import { openImageStarts } from '../webhook/image-starts.ts';
import { inTime } from '../webhook/in-time.ts';
import type { KubernetesApi } from '../webhook/kubernetes-api.ts';
import { secretPlace } from '../webhook/kubernetes-objects.ts';
import { parsedJson } from '../webhook/parsed-json.ts';
import type { WebhookSettings } from '../webhook/settings.ts';
import { dnsSubdomainProblem } from '../wire/names.ts';

export interface RegistryParts {
  readonly io: Io;
  readonly settings: WebhookSettings;
  /** Absent where no cluster can be asked: then pods' own Secrets are not read. */
  readonly api: KubernetesApi | undefined;
}

const FILE_BYTES_MAX = 4 * 1024 * 1024;
const LATE =
  'the API server did not show in time the Secrets that the pod’s images are pulled with';
/** The two kinds of Secrets that images are pulled with (core/v1), and their keys. */
const KEYS = {
  'kubernetes.io/dockerconfigjson': '.dockerconfigjson',
  'kubernetes.io/dockercfg': '.dockercfg',
};

/** Undefined where no registry may be asked, or nobody needs to. */
export function openRegistries({ io, settings, api }: RegistryParts): ImageStarts | undefined {
  const { registry, profile, pull } = settings;
  const isNeeded = profile === 'native' && pull.variables === 'launcher';
  if (!isNeeded || registry.allow.length === 0) return undefined;
  const { dockerConfig } = registry;
  return openImageStarts({
    io,
    settings: registry,
    readPem: (file) => Buffer.from(readFile(io, file, 'ca')).toString(),
    ownLogins: () => {
      if (dockerConfig === '') return undefined;
      const parsed = parsedJson(readFile(io, dockerConfig, 'dockerConfig'));
      if (parsed !== undefined) return parsed;
      throw problem('dockerConfig', `${dockerConfig} is no JSON`);
    },
    ...(api === undefined ? {} : { podLogins: loginsIn(api) }),
  });
}

/** Throws what is wrong with the files of the settings, before anybody needs them. */
export function checkRegistryFiles({ io, settings }: Pick<RegistryParts, 'io' | 'settings'>): void {
  const { dockerConfig, hosts } = settings.registry;
  const files = Object.values(hosts).flatMap(({ ca }) => (ca === undefined ? [] : [ca]));
  for (const file of files) readFile(io, file, 'ca');
  if (dockerConfig !== '') readFile(io, dockerConfig, 'dockerConfig');
}

function readFile({ fs }: Io, file: string, setting: string): Uint8Array {
  try {
    return fs.read(file, FILE_BYTES_MAX);
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    throw problem(setting, `${file} cannot be read (${error.errno})`);
  }
}

function problem(setting: string, what: string): BellhopError {
  return new BellhopError('BH_ERR_SETTINGS', { where: [`webhook.registry: ${setting}`], what });
}

function loginsIn(api: KubernetesApi) {
  return async (namespace: string, name: string, signal: AbortSignal): Promise<unknown> => {
    // What is no name could lead elsewhere in the API.
    if (dnsSubdomainProblem(name) !== undefined) return undefined;
    const found = await inTime(api.get(secretPlace(namespace, name).path), signal, LATE);
    if (found.kind === 'absent') return undefined;
    const { type } = found.object;
    const key = Object.entries(KEYS).find(([one]) => one === type)?.[1] ?? '';
    const text = recordIn(found.object, 'data')[key];
    // The kubelet passes over what is something else.
    if (typeof text !== 'string') return undefined;
    return parsedJson(Buffer.from(text, 'base64'));
  };
}
