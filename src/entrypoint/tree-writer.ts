import type { Entry, Owner, VolumeTree } from '../plan/volume-tree.ts';
import type { Hands } from './hands.ts';
import { own } from './hands.ts';

/** Writes the folder of a version and everything in it; `path` must not exist. */
export function writeVersion(hands: Hands, path: string, tree: VolumeTree): void {
  for (const entry of tree.inside) writeEntry(hands, path, entry);
}

function writeEntry(hands: Hands, base: string, entry: Entry): void {
  const path = entry.path === '' ? base : `${base}/${entry.path}`;
  const { fs, undo } = hands;
  switch (entry.kind) {
    case 'dir':
      fs.mkdir(path, 0o700);
      undo.push(() => fs.rmdir(path));
      own(hands, path, entry.owner);
      // After chown, which may take the set-group-id bit away.
      fs.chmod(path, entry.mode);
      return;
    case 'file':
      fs.write(path, entry.content.reveal(), isOurs(hands, entry.owner) ? entry.mode : 0o600);
      undo.push(() => fs.unlink(path));
      if (isOurs(hands, entry.owner)) return;
      own(hands, path, entry.owner);
      fs.chmod(path, entry.mode);
      return;
    case 'link':
      writeLink(hands, path, entry);
  }
}

function isOurs(hands: Hands, owner: Owner): boolean {
  const { uid, gid } = hands.io.kernel;
  return owner.uid === uid && owner.gid === gid;
}

/** Makes a link with its owner; links have no mode of their own. */
export function writeLink(
  hands: Hands,
  path: string,
  link: { readonly target: string; readonly owner: Owner },
): void {
  hands.fs.symlink(link.target, path);
  hands.undo.push(() => hands.fs.unlink(path));
  own(hands, path, link.owner);
}

/**
 * Makes the links of a volume's root, then shows all of it at once by renaming `..data` into place:
 * until then every link points to nothing. With an earlier `..data` its target is changed as the
 * kubelet does it.
 */
export function showVersion(hands: Hands, root: string, tree: VolumeTree): void {
  const { fs, undo } = hands;
  for (const link of tree.links) writeLink(hands, `${root}/${link.path}`, link);
  const temporary = `${root}/..data_tmp`;
  writeLink(hands, temporary, tree.dataLink);
  fs.rename(temporary, `${root}/..data`);
  undo.pop();
  undo.push(() => fs.unlink(`${root}/..data`));
}
