// /etc/passwd and /etc/group as containerd reads them (passwd(5), group(5)).

/** What the image's files say of a user. */
export interface PasswdUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** The first entry with this name, or with this uid. */
export function findUser(passwd: string, wanted: string | number): PasswdUser | undefined {
  for (const line of passwd.split('\n')) {
    const [name = '', , uid = '', gid = '', , home = ''] = line.split(':');
    if (!/^\d+$/.test(uid) || !/^\d+$/.test(gid)) continue;
    const user = { name, uid: Number(uid), gid: Number(gid), home };
    if (typeof wanted === 'number' ? user.uid === wanted : name === wanted) return user;
  }
  return undefined;
}

/**
 * Every group that names the user as a member, but the one of the same name (containerd v1.6 and
 * v1.7, oci WithAdditionalGIDs).
 */
export function groupsOf(group: string, user: string): number[] {
  return group.split('\n').flatMap((line) => {
    const [name, , gid = '', members = ''] = line.split(':');
    const isMember = name !== user && members.trim().split(',').includes(user);
    return isMember && /^\d+$/.test(gid) ? [Number(gid)] : [];
  });
}
