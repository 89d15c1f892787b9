/* What we were started with, and how the child gets to read it. */
#ifndef BELLHOP_ARRIVAL_H
#define BELLHOP_ARRIVAL_H
#include "text.h"

enum { PATH_BYTES_MAX = 4096, FD_MIN = 3, LOW_NOFILE = 64 };
enum { CWD_GONE = 8 }; /* flag in the input header; bits 0-2: that descriptor is open */

static struct {
  u64 argc, envc;
  char **argv, **envp;
  u64 ignored, blocked, pending; /* signals as bit sets, bit 0 is signal 1 */
  struct limit files, file_size;
  u32 flags;
  int pid;
} arrival;

/* The input, memfd A: this header, then argc + envc strings, each with its NUL. Little endian;
 * src/core/io/launcher-wire.ts reads it. */
struct input_header {
  u32 magic, version, argc, envc;
  u32 pid, flags;
  u64 ignored, blocked, pending;
  struct limit files, file_size;
};
enum { INPUT_MAGIC = 0x4e494842 /* "BHIN" */, PROTOCOL_VERSION = 3 };

#define signal_bit(s) (1ul << ((s) - 1))

/* Blocks every signal from here to the hand-over, except while waiting in ppoll. */
static void read_arrival(void) {
  u64 all = ~0ul;
  char cwd[PATH_BYTES_MAX];
  sys4(SYS_rt_sigprocmask, SET_MASK, &all, &arrival.blocked, 8);
  sys2(SYS_rt_sigpending, &arrival.pending, 8);
  for (int s = 1; s <= SIGNALS; s++) {
    struct sigaction_kernel now = {0};
    if (sys4(SYS_rt_sigaction, s, 0, &now, 8) == 0 && now.handler == SIG_IGN)
      arrival.ignored |= signal_bit(s);
  }
  for (int fd = 0; fd < FD_MIN; fd++)
    if (sys3(SYS_fcntl, fd, F_GETFD, 0) >= 0) arrival.flags |= 1u << fd;
  if (sys2(SYS_getcwd, cwd, sizeof cwd) == -E_NOENT) arrival.flags |= CWD_GONE;
  sys4(SYS_prlimit64, 0, LIMIT_NOFILE, 0, &arrival.files);
  sys4(SYS_prlimit64, 0, LIMIT_FSIZE, 0, &arrival.file_size);
  arrival.pid = (int)sys0(SYS_getpid);
}

/* We need a few descriptors and the runtime a dozen, and memfds obey the file size limit: a tight
 * soft limit is widened for the time of the work and put back by `return_limits`. */
static void borrow_limits(void) {
  struct limit wide = {arrival.files.hard, arrival.files.hard};
  if (arrival.files.soft < LOW_NOFILE && arrival.files.soft < arrival.files.hard)
    sys4(SYS_prlimit64, 0, LIMIT_NOFILE, &wide, 0);
  wide.soft = wide.hard = arrival.file_size.hard;
  if (arrival.file_size.soft < arrival.file_size.hard)
    sys4(SYS_prlimit64, 0, LIMIT_FSIZE, &wide, 0);
}

static void return_limits(void) {
  if (arrival.files.soft < LOW_NOFILE && arrival.files.soft < arrival.files.hard)
    sys4(SYS_prlimit64, 0, LIMIT_NOFILE, &arrival.files, 0);
  if (arrival.file_size.soft < arrival.file_size.hard)
    sys4(SYS_prlimit64, 0, LIMIT_FSIZE, &arrival.file_size, 0);
}

/* Where stdio was closed a new descriptor would land there and be taken for stdio. */
static int above_stdio(i64 fd) {
  if (fd < 0 || fd >= FD_MIN) return (int)fd;
  i64 moved = sys3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, FD_MIN);
  sys1(SYS_close, fd);
  return (int)moved;
}

/* Without memfd_create (seccomp of old sandboxes) an unnamed file in /dev/shm does as well, but
 * only on tmpfs: what passes here is secret and must not reach a disk. */
static int memory_file(const char *name) {
  i64 fd = sys2(SYS_memfd_create, name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
  if (fd == -E_INVAL) fd = sys2(SYS_memfd_create, name, MFD_CLOEXEC);
  if (fd < 0 && fd != -24 /* EMFILE */) {
    i64 first = fd;
    u64 about[32] = {0};
    fd = sys4(SYS_openat, AT_CWD, "/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 && (sys2(SYS_fstatfs, fd, about) != 0 || about[0] != TMPFS_MAGIC)) {
      sys1(SYS_close, fd);
      fd = first;
    }
  }
  fd = above_stdio(fd);
  if (fd < 0)
    fail("cannot get a memory file (memfd_create, tmpfs at /dev/shm): ", errno_text(-fd),
         "allow memfd_create, mount a tmpfs at /dev/shm, or raise the limit of open files");
  return (int)fd;
}

static void write_input_bytes(int fd, const char *bytes, u64 count) {
  while (count > 0) {
    i64 n = sys3(SYS_write, fd, bytes, count);
    if (n == -E_INTR) continue;
    if (n <= 0)
      fail("cannot write to a memory file: ", errno_text(-n),
           "check the memory limit and the file size limit (ulimit -f)");
    bytes += n;
    count -= (u64)n;
  }
}

/* The kernel lays the strings one after another, so nearly always one write takes them all. */
static void write_strings(int fd, char **strings, u64 count) {
  const char *run = 0, *end = 0;
  for (u64 i = 0; i < count; i++) {
    if (strings[i] != end) {
      if (run) write_input_bytes(fd, run, (u64)(end - run));
      run = strings[i];
    }
    end = strings[i] + length(strings[i]) + 1;
  }
  if (run) write_input_bytes(fd, run, (u64)(end - run));
}

static void write_input(int fd) {
  struct input_header header = {
      INPUT_MAGIC, PROTOCOL_VERSION, (u32)arrival.argc, (u32)arrival.envc, (u32)arrival.pid,
      arrival.flags, arrival.ignored, arrival.blocked, arrival.pending, arrival.files,
      arrival.file_size,
  };
  write_input_bytes(fd, (const char *)&header, sizeof header);
  write_strings(fd, arrival.argv, arrival.argc);
  write_strings(fd, arrival.envp, arrival.envc);
}

#endif
