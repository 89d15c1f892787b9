// Flyte's SDKs themselves, installed on first use beside the servers of test/real.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PYTHON, installedAt, installedOnce, pip } from '../support/testbed.ts';

const LOCKS = path.join(import.meta.dir, '../real/servers/locks');
const HELPER = path.join(import.meta.dir, '_sdk.py');
const CALL_MS_MAX = 60_000;

/** flytekit 1.16.31, and flyte 2.12.1: test/real/servers/locks. */
export type Sdk = 'flytekit' | 'flyte';

/** What an author writes: the arguments of the SDK's own class Secret. */
export interface Declaration {
  readonly group?: string;
  readonly key?: string;
  readonly version?: string;
  readonly mount?: 'ANY' | 'ENV_VAR' | 'FILE';
  readonly env_var?: string;
}

/** The annotation, and the members of the message that the SDK made. */
export interface Declared {
  readonly annotation: string;
  readonly group: string;
  readonly groupVersion: string;
  readonly key: string;
  readonly mountRequirement: number;
  readonly envVar: string;
}

/** How a task reads: by the SDK, a variable, a file, or the file that a variable names. */
export type Read =
  | {
      readonly how: 'get';
      readonly group?: string;
      readonly key?: string;
      readonly group_version?: string;
      readonly encode_mode?: 'rb';
    }
  | { readonly how: 'attribute'; readonly group: string; readonly key: string }
  | { readonly how: 'variable' | 'fileOf'; readonly name: string }
  | { readonly how: 'file'; readonly path: string };

/** What came of it: bytes, or the kind of error. */
export type Got = { readonly base64: string } | { readonly error: string };

export interface Python {
  /** The interpreter itself, not what chooses one. */
  readonly executable: string;
  /** Where its packages are: PYTHONPATH. */
  readonly packages: (sdk: Sdk) => string;
  readonly declare: (sdk: Sdk, secrets: readonly Declaration[]) => readonly Declared[];
  /** The words of a container's program that reads; what to read comes by standard input. */
  readonly reader: (sdk: Sdk) => readonly string[];
}

/**
 * The SDKs, or why they cannot be had; that is an error with CI=true or BELLHOP_REQUIRE_SERVERS=1.
 */
export function flyteSdks(): Python | { readonly missing: string } {
  const found = pythonAt();
  const missing =
    process.env['BELLHOP_NO_SERVERS'] === '1'
      ? 'BELLHOP_NO_SERVERS is set'
      : (found.missing ?? install('flytekit') ?? install('flyte'));
  if (missing === undefined) return sdks(found.executable);
  const isRequired = ['CI', 'BELLHOP_REQUIRE_SERVERS'].some((name) => {
    return !['', '0', 'false', undefined].includes(process.env[name]);
  });
  if (isRequired) throw new Error(`Flyte's SDKs are required here: ${missing}`);
  console.log(`skipped: Flyte's SDKs: ${missing}`);
  return { missing };
}

function pythonAt(): { executable: string; missing?: string } {
  if (Bun.which(PYTHON) === null) return { executable: '', missing: `there is no ${PYTHON}` };
  const asked = Bun.spawnSync([PYTHON, '-c', 'import sys; print(sys.executable)']);
  return { executable: asked.stdout.toString().trim() };
}

const folderOf = (sdk: Sdk): string => installedAt(`sdk-${sdk}`);

/** Why it cannot be installed. */
function install(sdk: Sdk): string | undefined {
  const lock = path.join(LOCKS, `${sdk}.txt`);
  const pins = readFileSync(lock, 'utf8');
  return installedOnce({ name: `sdk-${sdk}`, command: pip('--no-deps', '-r', lock), pins });
}

function sdks(executable: string): Python {
  const reader = (sdk: Sdk): string[] => [executable, HELPER, sdk, 'read'];
  return {
    executable,
    packages: folderOf,
    reader,
    declare: (sdk, secrets) => {
      const done = Bun.spawnSync([executable, HELPER, sdk, 'declare'], {
        env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', PYTHONPATH: folderOf(sdk) },
        stdin: Buffer.from(JSON.stringify(secrets)),
        timeout: CALL_MS_MAX,
      });
      if (done.exitCode !== 0) throw new Error(done.stderr.toString());
      return JSON.parse(done.stdout.toString()) as readonly Declared[];
    },
  };
}
