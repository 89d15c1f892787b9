// What a handler costs that does the webhook's work for the pods of the benchmark and nothing else:
// no types are checked, nothing can be refused, there are no limits, logs or figures. It says what
// is possible on this runtime.
import { decodeFlyteBase32, encodeFlyteBase32 } from '../../src/wire/flyte-base32.ts';
import { SECRET_ANNOTATION } from '../../src/wire/flyte-names.ts';

interface Pod {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
  readonly spec: {
    readonly volumes?: readonly object[];
    readonly containers: readonly Container[];
    readonly initContainers: readonly Container[];
  };
}

interface Container {
  readonly env?: readonly object[];
  readonly volumeMounts?: readonly object[];
}

interface Operation {
  readonly op: 'add';
  readonly path: string;
  readonly value: unknown;
}

const DIRECTORY = '/etc/flyte/secrets';
const VARIABLES = [
  { name: 'FLYTE_SECRETS_FILE_PREFIX' },
  { name: 'FLYTE_SECRETS_DEFAULT_DIR', value: DIRECTORY },
];

/** The answer to the text of a review. */
export function plainAnswer(text: string): string {
  const { kind, apiVersion, request } = JSON.parse(text) as {
    readonly kind: string;
    readonly apiVersion: string;
    readonly request: { readonly uid: string; readonly object: Pod };
  };
  const patch = Buffer.from(JSON.stringify(patchOf(request.object))).toString('base64');
  const status = { metadata: {}, code: 200 };
  const { uid } = request;
  const response = { uid, allowed: true, status, patch, patchType: 'JSONPatch' };
  return `${JSON.stringify({ kind, apiVersion, response })}\n`;
}

function patchOf({ metadata, spec }: Pod): readonly Operation[] {
  const names = Object.keys(metadata.annotations).filter((name) =>
    name.startsWith(SECRET_ANNOTATION),
  );
  const numberOf = (name: string): number => Number(name.slice(SECRET_ANNOTATION.length));
  names.sort((a, b) => numberOf(a) - numberOf(b));
  const secrets = names.map((name) => secretOf(metadata.annotations[name] ?? ''));
  const mounts = secrets.map(({ group, volume }) => {
    return { name: volume, readOnly: true, mountPath: `${DIRECTORY}/${group}` };
  });
  const patch: Operation[] = [];
  for (const list of ['containers', 'initContainers'] as const) {
    spec[list].forEach(({ env, volumeMounts }, index) => {
      const at = `/spec/${list}/${index}`;
      patch.push(
        ...added(`${at}/env`, env, VARIABLES),
        ...added(`${at}/volumeMounts`, volumeMounts, mounts),
      );
    });
  }
  const volumes = secrets.map(({ group, key, volume }) => {
    const items = [{ key, path: key.toLowerCase() }];
    return { name: volume, secret: { secretName: group, items, optional: true } };
  });
  if (spec.volumes === undefined) patch.push({ op: 'add', path: '/spec/volumes', value: volumes });
  else for (const value of volumes) patch.push({ op: 'add', path: '/spec/volumes/-', value });
  return patch;
}

function added(path: string, list: readonly object[] | undefined, more: readonly object[]) {
  if (list === undefined) return [{ op: 'add', path, value: more }] as const;
  return more.map((value, index) => ({ op: 'add', path: `${path}/${index}`, value }) as const);
}

function secretOf(annotation: string): { group: string; key: string; volume: string } {
  const text = Buffer.from(decodeFlyteBase32(annotation)).toString();
  const [, group = ''] = /^group: "([^"]*)"$/m.exec(text) ?? [];
  const [, key = ''] = /^key: "([^"]*)"$/m.exec(text) ?? [];
  return { group, key, volume: encodeFlyteBase32(Buffer.from(`${group}_`)) };
}
