import type { Edit } from './_edit.ts';
import type { SidecarSettings } from './_injector.ts';
import { SECRETS_DIR, fileVariables } from './_injector.ts';

/** A container of Flyte's for one secret: its script writes below the directory of secrets. */
export function writtenByScript(
  { image, resources }: SidecarSettings,
  {
    volume,
    name,
    script,
  }: { readonly volume: string; readonly name: string; readonly script: string },
): Edit[] {
  return [
    { kind: 'memory', volume, mountPath: SECRETS_DIR },
    {
      kind: 'writer',
      name,
      container: { image, command: ['sh', '-ec', script], resources },
      env: [],
      writesAt: SECRETS_DIR,
    },
    ...fileVariables(),
  ];
}
