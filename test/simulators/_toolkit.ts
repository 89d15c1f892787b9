// AWS's sagemaker-training toolkit 5.1.4 (PyPI) in a container: its own `train` runs a script.
import { realpathSync } from 'node:fs';
import { PYTHON, installedAt, installedOnce, pip } from '../support/testbed.ts';
import type { Mounted } from './_types.ts';

const PACKAGE = 'sagemaker-training==5.1.4';
const NAME = PACKAGE.replace('==', '-');

/** The toolkit as a container has it. */
export interface Toolkit {
  readonly mounts: readonly Mounted[];
  readonly env: Readonly<Record<string, string>>;
  /** What becomes `train`. */
  readonly command: readonly string[];
}

/** Installed on first use; else why it cannot be. */
export function toolkit(): Toolkit | string {
  const missing = installedOnce({ name: NAME, command: pip(PACKAGE) });
  if (missing !== undefined) return missing;
  const asked = 'import sys; print(sys.executable, sys.base_prefix, sep="\\n")';
  const said = Bun.spawnSync([PYTHON, '-c', asked]).stdout.toString().trim();
  const [executable = '', prefix = ''] = said.split('\n');
  const at = '/toolkit';
  const own: Mounted[] = [{ kind: 'bind', at, from: installedAt(NAME), ro: true }];
  const isHosts = prefix === '/usr' || prefix.startsWith('/usr/');
  const python: Mounted[] = isHosts ? [] : [{ kind: 'bind', at: prefix, from: prefix, ro: true }];
  return {
    mounts: [...own, ...python],
    env: { PYTHONPATH: at, PYTHONDONTWRITEBYTECODE: '1' },
    command: [realpathSync(executable), `${at}/bin/train`],
  };
}
