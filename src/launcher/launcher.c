/* bellhop's launcher: the process that users start, and that becomes their program.
 *
 * Why it exists: a JavaScript runtime changes its process (ignored SIGPIPE, a raised limit of open
 * files, closed descriptors, bytes that are not UTF-8), and a program started by it would see that.
 * So for `bellhop run` the runtime works in a child and this process, which has touched nothing,
 * calls execve. `bellhop snapshot` goes the same way: what it looks at is this process, and not
 * what a JavaScript runtime has made of its own. `bellhop become` needs no runtime at all: it puts variables from a file in front of
 * a program, in containers that have nothing but this launcher. For every other command it gives
 * way to the runtime at once.
 *
 * No libc: it must run in empty images and in front of any libc, and start in microseconds.
 *
 *   sys.h       system calls             requests.h  mounts and namespaces for the child
 *   text.h      strings and reports      child.h     starting and waiting for the runtime
 *   arrival.h   what we were given       document.h  what the runtime answers
 *   start_file.h  `bellhop become`       become.h    chroot, ids, chdir, execve
 *   relay.h     the relay of metrics, of relay_parts.h, relay_out.h, relay_names.h,
 *               relay_lines.h, relay_streams.h and relay_listen.h
 */
#include "sys.h"
#include "text.h"
#include "arrival.h"
#include "requests.h"
#include "child.h"
#include "document.h"
#include "become.h"
#include "start_file.h"
#include "relay.h"

/* They steer Bun, its JavaScript engine or the dynamic loader; they are the user program's. */
static int steers_the_runtime(const char *entry) {
  static const char *const prefixes[] = {"BUN_", "NODE_", "LD_", "JSC_", "GLIBC_TUNABLES=",
                                         "BELLHOP_LAUNCHER="};
  for (u64 i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    if (starts_with(entry, prefixes[i])) return 1;
  return 0;
}

/* The runtime lies beside us. It cannot work without /proc (Bun ends with a page of its own), so
 * there is no need of another way to find it. */
static const char *runtime_path(void) {
  static char path[PATH_BYTES_MAX + 32];
  i64 n = sys4(SYS_readlinkat, AT_CWD, "/proc/self/exe", path, PATH_BYTES_MAX);
  if (n <= 0 || path[0] != '/')
    fail("/proc is not mounted, or hides this process", "", "mount /proc: the runtime needs it");
  while (n > 0 && path[n - 1] != '/') n--;
  append(path + n, path + sizeof path - 1, "bellhop-runtime");
  return path;
}

static void give_way(const char *path, char **argv, char **envp) {
  char **to = envp;
  for (char **from = envp; *from; from++)
    if (!steers_the_runtime(*from)) *to++ = *from;
  *to = 0;
  char *bare[] = {"bellhop", 0};
  i64 error = sys3(SYS_execve, path, argv[0] ? argv : bare, envp);
  no_runtime(error);
}

/* Commands that may become a program, or that look at the process they were started as. */
static int works_in_child(const char *command) {
  return equal(command, "run") || equal(command, "snapshot") || equal(command, "relay");
}

static void run(void) {
  read_arrival();
  install_handlers();
  borrow_limits();
  start_child();
  int status = wait_for_child();
  take_back_sigchld();
  if (ended_by) quit(128 + ended_by);
  int killed_by = status & 127;
  char digits[24];
  append_number(digits, digits + sizeof digits - 1, (u64)killed_by);
  /* The kernel may tell the child before us when the whole process group is ended. */
  if (killed_by == SIG_TERM) quit(128 + SIG_TERM);
  if (killed_by)
    fail("bellhop-runtime was ended by signal ", digits,
         "9 and 11 mostly mean a memory limit; else it is a defect in bellhop: please report it");
  if (status >> 8) quit(status >> 8 & 255);
  read_document();
  return_limits();
  last_phase = !document.seen[TAG_QUIT];
  sys4(SYS_rt_sigprocmask, SET_MASK, &arrival.blocked, 0, 8);
  become();
}

__attribute__((used, noreturn)) void start_c(u64 *stack) {
  arrival.argc = stack[0];
  arrival.argv = (char **)(stack + 1);
  arrival.envp = arrival.argv + arrival.argc + 1;
  while (arrival.envp[arrival.envc]) arrival.envc++;
  if (arrival.argc > 1 && equal(arrival.argv[1], "become")) start_with_file();
  runtime.path = runtime_path();
  if (arrival.argc < 2 || !works_in_child(arrival.argv[1]))
    give_way(runtime.path, arrival.argv, arrival.envp);
  run();
  for (;;) quit(EXIT_LAUNCHER);
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n"
        "\tcall start_c\n\tud2\n");
#else
__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x30, #0\n\tmov x0, sp\n"
        "\tand sp, x0, #-16\n\tbl start_c\n\tbrk #0\n");
#endif
