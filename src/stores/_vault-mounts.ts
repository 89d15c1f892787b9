// Which engine a path belongs to: `secret/db` lies elsewhere in version 2 of the KV engine than in
// version 1. Found out as the vendor's CLI does (command/kv_helpers.go).
import { refused } from '../core/call.ts';
import { BellhopError } from '../core/errors.ts';
import type { Options } from './_options.ts';
import { recordOption } from './_options.ts';
import { recordIn, textIn } from './_rest.ts';
import { openShared } from './_shared.ts';
import type { StoreContext } from './_store.ts';
import { settingsProblem } from './_tls-files.ts';
import { encodedPath, wordsOf } from './_vault-server.ts';
import type { Entering, Identity } from './_vault-session.ts';
import { askAs } from './_vault-session.ts';

export type Engine = 'kv1' | 'kv2' | 'other';

/** An engine and where it is mounted; the path ends with a slash. */
export interface Mount {
  readonly path: string;
  readonly engine: Engine;
}

/** Each path's mount, or why it is not known. */
export type Mounts = ReadonlyMap<string, Mount | BellhopError>;

/** Mounts as the option `mounts` has them. Throws BH_ERR_SETTINGS. */
export function declaredMounts(options: Options, context?: StoreContext): readonly Mount[] {
  return Object.entries(recordOption(options, 'mounts')).map(([written, engine]) => {
    const path = `${written.replace(/^\/+|\/+$/g, '')}/`;
    if (engine === 'kv1' || engine === 'kv2' || engine === 'other') return { path, engine };
    if (context === undefined) return { path, engine: 'other' };
    throw settingsProblem(context, `\`mounts.${written}\` must be kv2, kv1 or other`);
  });
}

/** The mount that a path lies below. */
export function mountAbove(mounts: readonly Mount[], path: string): Mount | undefined {
  return mounts.find((mount) => path.startsWith(mount.path));
}

/** Who asks, and what is known without asking. */
export interface Finding {
  readonly identity: Identity;
  readonly declared: readonly Mount[];
}

/**
 * Finds the mounts of all paths. Paths with the same first segment are asked about once; where a
 * mount is deeper, or may not be seen, the others are asked about by their folder.
 */
export async function mountsOf(finding: Finding, paths: readonly string[]): Promise<Mounts> {
  const known = [...finding.declared];
  const found = new Map<string, Mount | BellhopError>();
  const split = new Set<string>();
  const open = new Set(paths);
  while (open.size > 0) {
    const groups = new Map<string, string>();
    for (const path of open) {
      const mount = mountAbove(known, path);
      if (mount !== undefined) {
        found.set(path, mount);
        open.delete(path);
      } else if (!groups.has(groupOf(path, split))) groups.set(groupOf(path, split), path);
    }
    const asked = [...groups].map(async ([group, path]) => {
      const mount = await mountOf(finding, path);
      if (!(mount instanceof BellhopError)) return void known.push(mount);
      const isSplit = mount.code === 'BH_ERR_STORE_DENIED' && !split.has(firstOf(path));
      const same = isSplit ? folderOf(path) : undefined;
      for (const other of open) {
        const isMeant =
          same === undefined ? groupOf(other, split) === group : folderOf(other) === same;
        if (!isMeant) continue;
        found.set(other, mount);
        open.delete(other);
      }
      return isSplit ? firstOf(path) : undefined;
    });
    for (const first of await Promise.all(asked)) if (first !== undefined) split.add(first);
  }
  return found;
}

function firstOf(path: string): string {
  return path.split('/', 1)[0] ?? '';
}

/** Paths in one folder have one mount. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

function groupOf(path: string, split: ReadonlySet<string>): string {
  return split.has(firstOf(path)) ? folderOf(path) : firstOf(path);
}

async function mountOf({ identity }: Finding, path: string): Promise<Mount | BellhopError> {
  const { session, entering } = identity;
  const [plain = ''] = path.split('?', 1);
  const shared = await entering.server.context.once(`${entering.key} mount ${plain}`, async () => {
    return openShared(async (by: Entering) => askMount({ session, entering: by }, plain));
  });
  try {
    return await shared.get(entering);
  } catch (error) {
    if (error instanceof BellhopError) return error;
    throw error;
  }
}

/** The preflight: any token that may do something below the mount may ask it. */
async function askMount(identity: Identity, path: string): Promise<Mount> {
  return askAs<Mount>(identity, {
    name: `mount of ${path}`,
    method: 'GET',
    path: `sys/internal/ui/mounts/${encodedPath(path) ?? ''}`,
    right: `a path below the mount of ${path}, or no such mount is there`,
    judge: (answer) => {
      const data = recordIn(answer.json, 'data');
      const mounted = textIn(data, 'path');
      if (answer.status === 200 && mounted !== undefined && path.startsWith(mounted)) {
        return { kind: 'done', value: { path: mounted, engine: engineOf(data) } };
      }
      if (answer.status === 200)
        return refused('BH_ERR_STORE_ANSWER', 'it does not name the mount');
      const help = 'name the engine by the option `mounts`, e.g. `mounts: { secret: kv2 }`';
      return refused('BH_ERR_SETTINGS', `HTTP ${answer.status}, ${wordsOf(answer)}`, help);
    },
  });
}

function engineOf(data: Readonly<Record<string, unknown>>): Engine {
  const type = textIn(data, 'type');
  if (type !== 'kv' && type !== 'generic') return 'other';
  return textIn(recordIn(data, 'options'), 'version') === '2' ? 'kv2' : 'kv1';
}
