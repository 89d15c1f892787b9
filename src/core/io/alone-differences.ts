/** Something that a program sees differently where it was started without the launcher. */
export interface AloneDifference {
  readonly what: string;
  readonly why: string;
}

/**
 * Everything that `alone.ts` cannot give back. A test starts programs both ways under some forty
 * conditions and holds this list to be exact; ARCHITECTURE.md prints it.
 */
export const ALONE_DIFFERENCES = {
  sigpipe: {
    what: 'SIGPIPE and SIGXFSZ that were ignored on arrival are at their default',
    why: 'Bun ignores both before our code runs, so what they were cannot be known',
  },
  sigpwr: {
    what: 'SIGPWR that was blocked on arrival is not blocked',
    why: "Bun's garbage collector stops threads with it, and unblocks it before our code runs",
  },
  descriptors: {
    what: 'inherited descriptors above 3 are closed',
    why: 'Bun marks them close-on-exec before our code runs, among its own that must be closed',
  },
  openFiles: {
    what: 'the soft limit of open files is the hard one',
    why: 'Bun raises it before our code runs; /proc/self/limits already shows the raised one',
  },
  noForeignFunctions: {
    what:
      'SIGPIPE and SIGXFSZ are ignored, blocked signals are not, bytes that are not UTF-8 become ' +
      'U+FFFD, an entry without = gets one, one without a name is lost, the last of a name stays',
    why:
      'where the kernel denies foreign functions (PR_SET_MDWE) only process.execve is left, ' +
      'which takes strings',
  },
  steered: {
    what: 'BUN_*, NODE_*, LD_* and GLIBC_TUNABLES of the image steer the runtime, and may keep it from starting',
    why: 'nothing of ours runs before the dynamic loader and Bun have read them',
  },
  cwdGone: {
    what: 'does not start in a deleted working directory',
    why: 'Bun refuses before our code runs',
  },
  fewDescriptors: {
    what: 'does not start where the soft limit of open files leaves no descriptor',
    why: 'the dynamic loader needs one to open libc',
  },
  root: {
    what: 'no --root: chroot, mounts and namespaces are refused, never skipped',
    why: 'the runtime has threads, and what it opens later would lie on the wrong side',
  },
} as const satisfies Record<string, AloneDifference>;
