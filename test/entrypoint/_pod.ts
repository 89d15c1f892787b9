/** The pod of the fault and kill loops: one of everything that delivery writes. */
import { Sealed } from '../../src/core/sealed.ts';
import type { Delivery, Directory, Landing } from '../../src/entrypoint/delivery.ts';
import type { DirectoryPlacement, Policy } from '../../src/plan/types.ts';
import type { Payload } from '../../src/plan/volume-tree.ts';
import { volumeTree } from '../../src/plan/volume-tree.ts';

export const VERSION = '..2026_11_21_08_42_09.33691685';
export const WORKING_DIR = '/work/here/deep';
const POLICY = { overImage: 'refuse', disk: 'refuse', identity: 'refuse' } as unknown as Policy;

const sealed = (text: string) => new Sealed(Buffer.from(text));
const file = (path: string, text: string, mode = 0o644): Payload => {
  return { path, mode, content: sealed(text) };
};
const at = (path: string, subPath = '', readOnly = true): Landing => ({ path, subPath, readOnly });

interface Volume {
  readonly volume: string;
  readonly medium: 'memory' | 'disk';
  readonly fsGroup?: number;
  readonly payloads?: readonly Payload[];
  readonly landings: readonly Landing[];
  readonly nested?: readonly string[];
}

/** A volume as payloads.ts makes it, from what tests want to say. */
export function directory({ fsGroup, payloads, landings, nested, ...own }: Volume): Directory {
  const group = fsGroup === undefined ? {} : { fsGroup };
  const shape = payloads === undefined ? 'plain' : 'versioned';
  const { volume, medium } = own;
  const rest = { contents: [], mounts: [], rule: `volume ${volume}`, ...(nested && { nested }) };
  const placement: DirectoryPlacement = { kind: 'directory', ...own, shape, ...group, ...rest };
  if (payloads === undefined) return { placement, landings };
  const tree = volumeTree(payloads, { medium, readOnly: true, ...group }, VERSION);
  if (!('inside' in tree)) throw new Error(tree.map((one) => one.message).join());
  return { placement, landings, tree };
}

/** A delivery with these volumes and nothing else. */
export function volumes(...directories: readonly Directory[]): Delivery {
  return { directories, files: [], policy: POLICY };
}

export const secret = (path: string, volume = 's'): Directory => {
  const payloads = [file('password', 'CANARY', 0o400)];
  return directory({ volume, medium: 'memory', payloads, landings: [at(path)] });
};

export const emptyDir = (path: string, volume = 'e'): Directory => {
  return directory({ volume, medium: 'disk', landings: [at(path, '', false)] });
};

export const configMap = (path: string, subPath = '', volume = 'c'): Directory => {
  const payloads = [file('app.yaml', 'a: 1\n'), file('in/deep.txt', 'deep')];
  return directory({ volume, medium: 'disk', payloads, landings: [at(path, subPath)] });
};

const SECRET = directory({
  volume: 'secret',
  medium: 'memory',
  payloads: [file('user', 'me'), file('password', 'x'.repeat(5000), 0o400), file('empty', '')],
  landings: [at('/etc/creds'), at('/etc/one-key', 'password'), at('/etc/absent', 'no/such')],
});
const CONFIG = directory({
  volume: 'config',
  medium: 'disk',
  payloads: [file('app.yaml', 'a: 1\n', 0o755), file('conf/x.d/10', 'ten')],
  landings: [at('/etc/config'), at('/etc/one-conf', 'app.yaml'), at('/opt/conf', 'conf')],
});
const PROJECTED = directory({
  volume: 'projected',
  medium: 'memory',
  fsGroup: 2000,
  payloads: [file('a/b/c', 'nested', 0o400), { ...file('token', 't', 0o600), uid: 1000 }],
  landings: [at('/var/run/projected/here')],
  nested: ['made', 'made/for-others'],
});
const CACHE = directory({
  volume: 'cache',
  medium: 'disk',
  fsGroup: 2000,
  landings: [at('/cache', '', false), at('/mnt/part', 'a/b', false)],
});
const SCRATCH = directory({
  volume: 'scratch',
  medium: 'memory',
  landings: [at('/scratch', '', false)],
});

/** Larger than the small file systems of the tests. */
export const big = (path: string, medium: 'memory' | 'disk'): Directory => {
  const payloads = [file('big', 'x'.repeat(200_000))];
  return directory({ volume: 'big', medium, payloads, landings: [at(path)] });
};

export const fileAt = (
  path: string,
  medium: 'memory' | 'disk',
  { bytes, ...more }: { keep?: true; bytes?: number } = {},
) => {
  const source = { kind: 'text' as const, text: '', of: '' };
  const placement = { kind: 'file' as const, path, mode: 0o440, medium, source, rule: 'files' };
  return {
    placement: { ...placement, ...more },
    content: sealed(bytes === undefined ? `content of ${path}` : 'x'.repeat(bytes)),
  };
};

/** In a volume of a Secret, and in an emptyDir. */
const INNER = { volume: 'inner', medium: 'disk', fsGroup: 2000 } as const;
const NESTED = [
  emptyDir('/etc/creds/nested', 'nested'),
  directory({ ...INNER, landings: [at('/cache/far/in', '', false)] }),
];

/** Everything at once. */
export const POD: Delivery = {
  directories: [SECRET, CONFIG, PROJECTED, CACHE, SCRATCH, ...NESTED],
  files: [
    fileAt('/run/tokens/memory', 'memory'),
    fileAt('/srv/plain', 'disk'),
    fileAt('/dev/termination-log', 'disk', { keep: true }),
    fileAt('/srv/logs/end', 'disk', { keep: true }),
    fileAt('/cache/deep/end', 'disk', { keep: true, bytes: 0 }),
  ],
  policy: POLICY,
};
