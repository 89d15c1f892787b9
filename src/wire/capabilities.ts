/** Capability names in the order of their numbers: linux/capability.h, Linux 6.18. */
const NAMES = [
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE',
  'NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO',
  'SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME',
  'SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG',
  'WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE',
].flatMap((line) => line.split(' '));

/** The numbers behind names as Kubernetes takes them: with or without `CAP_`, or `ALL`. */
export function capabilityNumbers(names: readonly string[]): number[] {
  const plain = names.map((name) => name.toUpperCase().replace(/^CAP_/, ''));
  if (plain.includes('ALL')) return NAMES.map((_, number) => number);
  return plain.flatMap((name) => (NAMES.includes(name) ? [NAMES.indexOf(name)] : []));
}
