import { BellhopError } from '../core/errors.ts';
import { MS } from '../core/io/types.ts';
import type { Hands } from './hands.ts';
import { unmount } from './hands.ts';

// What the kernel is asked for; each step knows how to undo itself.

/** Mounting is not allowed after all; nothing was changed that rollback does not undo. */
export class MountDenied extends Error {}

/** Shows a file or folder at another path, too. */
export function bindAt(hands: Hands, source: string, target: string): void {
  const request = { source, target, type: '', flags: MS.bind, data: '' };
  checkMount(hands.io.kernel.mount(request), target);
  hands.undo.push(() => unmount(hands, target));
}

/** A tmpfs as the kubelet makes it: not swappable where the kernel can (6.4 and later). */
export function mountMemory(hands: Hands, path: string, sizeBytes: number | undefined): void {
  const size = sizeBytes === undefined ? '' : `,size=${sizeBytes}`;
  const request = { source: 'tmpfs', target: path, type: 'tmpfs', flags: 0 };
  const first = hands.io.kernel.mount({ ...request, data: `mode=0700,noswap${size}` });
  const errno =
    first === 'EINVAL' ? hands.io.kernel.mount({ ...request, data: `mode=0700${size}` }) : first;
  checkMount(errno, path);
  hands.undo.push(() => unmount(hands, path));
}

const DENIED = new Set(['EPERM', 'EACCES', 'ENOSYS']);

/** Throws what the kernel has said, if anything. */
export function checkMount(errno: string | undefined, path: string): void {
  if (errno === undefined) return;
  if (DENIED.has(errno)) throw new MountDenied(errno);
  throw new BellhopError('BH_ERR_WRITE', { where: [path], what: `cannot be mounted (${errno})` });
}

/** In a user namespace flags that the outside set may not be taken away, so they are repeated. */
export function makeReadOnly(hands: Hands, path: string): void {
  const { kernel } = hands.io;
  const locked = [0, MS.noSuid | MS.noDev, MS.noSuid | MS.noDev | MS.noExec];
  const request = { source: '', target: path, type: '', data: '' };
  let errno: string | undefined;
  for (const more of locked) {
    const flags = MS.remount | MS.bind | more;
    errno = kernel.mount({ ...request, flags: flags | MS.readOnly });
    if (errno === 'EPERM') continue;
    // What was made below it is taken away first.
    hands.undo.push(() => kernel.mount({ ...request, flags }));
    break;
  }
  checkMount(errno, path);
}
