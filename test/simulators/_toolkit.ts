// AWS's sagemaker-training toolkit 5.1.4 (PyPI) in a container: its own `train` runs a script.
import { existsSync, mkdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { CI } from '../support/need.ts';
import type { Mounted } from './_types.ts';

const PACKAGE = 'sagemaker-training==5.1.4';
const INSTALL_MS_MAX = 900_000;
const PYTHON = process.env['PYTHON'] ?? 'python3';
const cache = process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache');
const testbed = process.env['BELLHOP_TESTBED'] ?? path.join(cache, 'bellhop-testbed');
const installed = path.join(testbed, 'opt', PACKAGE.replace('==', '-'));

/** The toolkit as a container has it. */
export interface Toolkit {
  readonly mounts: readonly Mounted[];
  readonly env: Readonly<Record<string, string>>;
  /** What becomes `train`. */
  readonly command: readonly string[];
}

/** Installed on first use, beside itself until it is whole; else why it cannot be. */
export function toolkit(): Toolkit | string {
  if (!existsSync(installed)) install();
  if (!existsSync(installed)) {
    const missing = `${PACKAGE} cannot be installed from PyPI`;
    if (CI) throw new Error(missing);
    return missing;
  }
  const asked = 'import sys; print(sys.executable, sys.base_prefix, sep="\\n")';
  const said = Bun.spawnSync([PYTHON, '-c', asked]).stdout.toString().trim();
  const [executable = '', prefix = ''] = said.split('\n');
  const at = '/toolkit';
  const own: Mounted[] = [{ kind: 'bind', at, from: installed, ro: true }];
  const isHosts = prefix === '/usr' || prefix.startsWith('/usr/');
  const python: Mounted[] = isHosts ? [] : [{ kind: 'bind', at: prefix, from: prefix, ro: true }];
  return {
    mounts: [...own, ...python],
    env: { PYTHONPATH: at, PYTHONDONTWRITEBYTECODE: '1' },
    command: [realpathSync(executable), `${at}/bin/train`],
  };
}

function install(): void {
  const made = `${installed}.${process.pid}`;
  mkdirSync(made, { recursive: true });
  const pip = [PYTHON, '-m', 'pip', 'install', '--quiet', '--no-input', '--target', made, PACKAGE];
  const done = Bun.spawnSync(pip, { stdout: 'ignore', stderr: 'ignore', timeout: INSTALL_MS_MAX });
  if (done.exitCode === 0 && !existsSync(installed)) renameSync(made, installed);
  rmSync(made, { recursive: true, force: true });
}
