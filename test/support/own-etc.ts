// A mount namespace with an /etc of its own, so that nothing of a start stays on the machine.

const ENTER = `
set -e
mount -t tmpfs own /mnt
mkdir /mnt/up /mnt/work
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/up,workdir=/mnt/work own /etc
exec "$@"
`;

/** Words in front of a command; root is needed (missingForRoom of test/entrypoint). */
export const IN_OWN_ETC: readonly string[] = ['unshare', '--mount', 'sh', '-c', ENTER, 'sh'];
