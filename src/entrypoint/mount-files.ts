import type { Delivery, PlainFile } from './delivery.ts';
import { makeFolder, own } from './hands.ts';
import type { Ledger } from './ledger.ts';
import { mountMemory } from './mount-calls.ts';
import { logsInVolumes } from './nested.ts';

// Files at paths of their own, where mounting is allowed.

/** One place of the container, and what is to be seen there. */
export interface Binding {
  readonly source: string;
  readonly path: string;
  /** The memory emptyDir that a later start may take over. */
  readonly volume?: string;
  readonly readOnly: boolean;
  /** True for what the container runtime mounts: only where there is a place for it. */
  readonly byRuntime?: true;
}

/** The files, made aside: what is to be mounted, and the memory file systems that hold it. */
export interface StagedFiles {
  readonly bindings: readonly Binding[];
  readonly memory: readonly string[];
  /** They go to their paths as they are, before anything is mounted. */
  readonly plain: readonly PlainFile[];
}

/** Makes files of secrets in memory, and termination logs that are to be in volumes on the disk. */
export function stageFiles(
  { hands }: Ledger,
  delivery: Delivery,
  { base, disk }: { readonly base: string; readonly disk: string },
): StagedFiles {
  const { files, owner } = delivery;
  const logs = logsInVolumes(delivery);
  const secret = files.filter((one) => one.placement.medium === 'memory');
  const folder = `${base}/files`;
  const memory = secret.length > 0 || (logs.length > 0 && disk === '') ? [folder] : [];
  for (const one of memory) {
    makeFolder(hands, one, 0o700);
    mountMemory(hands, one, undefined);
  }
  const bindings: Binding[] = secret.map(({ placement: { path, mode }, content }, index) => {
    const source = `${folder}/${index}`;
    hands.fs.write(source, content.reveal(), mode);
    if (owner !== undefined) own(hands, source, owner);
    return { source, path, readOnly: true };
  });
  logs.forEach(({ placement: { path, mode }, content }, index) => {
    const source = `${disk === '' ? folder : disk}/log-${index}`;
    hands.fs.write(source, content.reveal(), mode);
    hands.undo.push(() => hands.fs.unlink(source));
    bindings.push({ source, path, readOnly: false, byRuntime: true });
  });
  const plain = files.filter((one) => one.placement.medium === 'disk' && !logs.includes(one));
  return { bindings, memory, plain };
}
