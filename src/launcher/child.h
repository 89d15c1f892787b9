/* The runtime as a short-lived child: start, serve, end. */
#ifndef BELLHOP_CHILD_H
#define BELLHOP_CHILD_H
#include "arrival.h"
#include "requests.h"

/* A runtime that hangs must not use up the grace that the platform gives us (30 s and less). */
enum { TERM_GRACE_MS = 2000, NO_PIDFD_POLL_MS = 10 };
enum { CHILD_STACK_BYTES = 32768 };

static struct {
  const char *path;
  int input, document, socket, socket_child;
  int pid, pidfd;
} runtime;

static volatile int ended_by;   /* the first of our four signals that came */
static volatile int last_phase; /* from here on a signal ends us inside its handler */
static u64 handled;             /* the signals that have our handler */

static void on_signal(int number) {
  if (last_phase) quit(128 + number);
  if (!ended_by) ended_by = number;
}

#if defined(__x86_64__)
/* x86-64 has no default way back out of a handler: libc brings this one. */
void signal_return(void);
__asm__(".globl signal_return\nsignal_return:\n\tmov $15, %eax\n\tsyscall\n");
#endif

/* Only what would have ended us gets a handler; ignored or blocked on arrival stays untouched.
 * As PID 1 of a namespace the handler is what makes the signal arrive at all. */
static void install_handlers(void) {
  static const u8 ours[] = {SIG_TERM, SIG_INT, SIG_HUP, SIG_QUIT};
  struct sigaction_kernel action = {(u64)on_signal, 0, 0, ~0ul};
#if defined(__x86_64__)
  action.flags = SA_RESTORER;
  action.restorer = (u64)signal_return;
#endif
  for (u64 i = 0; i < sizeof ours; i++) {
    u64 bit = signal_bit(ours[i]);
    if ((arrival.ignored | arrival.blocked) & bit) continue;
    if (sys4(SYS_rt_sigaction, ours[i], &action, 0, 8) == 0) handled |= bit;
  }
}

static void set_disposition(int number, u64 handler) {
  struct sigaction_kernel action = {handler, 0, 0, 0};
  sys4(SYS_rt_sigaction, number, &action, 0, 8);
}

/* The terminal sends INT, QUIT and HUP to us and to the child. We are the one to decide, so the
 * child ignores them, and TERM too unless we would pass it on. Everything else is default. */
static void child_signals(void) {
  for (int s = 1; s <= SIGNALS; s++) {
    int shared = s == SIG_INT || s == SIG_QUIT || s == SIG_HUP;
    if (shared || (s == SIG_TERM && !(handled & signal_bit(SIG_TERM)))) {
      set_disposition(s, SIG_IGN);
    } else if ((arrival.ignored | handled) & signal_bit(s)) {
      set_disposition(s, SIG_DFL);
    }
  }
}

/* A core file of the child would hold secrets. 1 and not 0: the kernel pipes cores to a handler
 * at limit 0 too, but never at 1 (fs/coredump.c). */
static void child_core_limit(void) {
  struct limit now = {0, 0}, off;
  sys4(SYS_prlimit64, 0, LIMIT_CORE, 0, &now);
  off.soft = 1;
  off.hard = now.hard < 1 ? 1 : now.hard;
  if (sys4(SYS_prlimit64, 0, LIMIT_CORE, &off, 0) == 0) return;
  off.soft = off.hard = 0;
  sys4(SYS_prlimit64, 0, LIMIT_CORE, &off, 0);
}

static void no_runtime(i64 error) {
  fail("cannot start bellhop-runtime beside the launcher: ", errno_text(-error),
       "install both from one release; glibc 2.17 or later is needed");
}

static void child_main(void) {
  static char variable[96];
  char *argv[] = {"bellhop-runtime", "run", 0};
  /* A start is over before a JIT pays for itself: half the CPU time without. Of the 256 requests
     that Bun has under way at most, one store that hangs could take all. */
  char *envp[] = {variable, "BUN_JSC_useJIT=0", "BUN_CONFIG_MAX_HTTP_REQUESTS=4096", 0};
  char *end = variable + sizeof variable - 1;
  u64 none = 0;
  sys2(SYS_prctl, PR_SET_PDEATHSIG, SIG_KILL);
  if (sys0(SYS_getppid) != arrival.pid) quit(EXIT_LAUNCHER); /* we lost the race against its end */
  child_signals();
  child_core_limit();
  char *at = append(variable, end, "BELLHOP_LAUNCHER=");
  at = append_number(at, end, PROTOCOL_VERSION);
  int fds[] = {runtime.input, runtime.document, runtime.socket_child};
  for (int i = 0; i < 3; i++) {
    at = append_number(append(at, end, ":"), end, (u64)fds[i]);
    sys3(SYS_fcntl, fds[i], F_SETFD, 0);
  }
  if (arrival.flags & CWD_GONE) sys1(SYS_chdir, "/"); /* Bun refuses to start without one */
  sys4(SYS_rt_sigprocmask, SET_MASK, &none, 0, 8);
  i64 error = sys3(SYS_execve, runtime.path, argv, envp);
  no_runtime(error);
}

static void start_child(void) {
  static u8 stack[CHILD_STACK_BYTES] __attribute__((aligned(16)));
  int pair[2];
  runtime.input = memory_file("bellhop-input");
  runtime.document = memory_file("bellhop-exec");
  write_input(runtime.input);
  i64 error = sys4(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
  if (error < 0)
    fail("cannot get a socket pair: ", errno_text(-error), "raise the limit of open files");
  runtime.socket = above_stdio(pair[0]);
  runtime.socket_child = above_stdio(pair[1]);
  if (runtime.socket < 0 || runtime.socket_child < 0)
    fail("cannot get a socket pair", "", "raise the limit of open files");
  runtime.pidfd = -1;
  u8 *top = stack + sizeof stack;
  u64 flags = CLONE_VM | CLONE_VFORK | SIG_CHLD;
  i64 pid = clone_on(flags | CLONE_PIDFD, top, &runtime.pidfd, child_main);
  if (pid < 0) { /* no descriptor left, or an emulator without pidfd */
    runtime.pidfd = -1;
    pid = clone_on(flags, top, 0, child_main);
  }
  if (pid < 0) fail("cannot start a process: ", errno_text(-pid), "raise the limit of processes");
  runtime.pid = (int)pid;
  sys1(SYS_close, runtime.socket_child);
  sys1(SYS_close, runtime.input);
}

static i64 monotonic_ms(void) {
  struct timespec now = {0, 0};
  sys2(SYS_clock_gettime, 1, &now);
  return now.seconds * 1000 + now.nanoseconds / 1000000;
}

/* How long ppoll may wait: until the grace is over, or for one look where there is no pidfd. */
static i64 wait_ms(i64 kill_at) {
  i64 left = -1;
  if (kill_at > 0) {
    left = kill_at - monotonic_ms();
    if (left < 0) left = 0;
  }
  if (runtime.pidfd < 0 && (left < 0 || left > NO_PIDFD_POLL_MS)) left = NO_PIDFD_POLL_MS;
  return left;
}

/* Where SIGCHLD is blocked, our child's would stay pending for the program. (An exit signal of 0
 * does not help: execve sets it to SIGCHLD, de_thread in fs/exec.c.) Signals of one number merge,
 * so one that was pending before is still the program's, and one for another child of the process
 * that execs us must not get lost behind ours. */
static void take_back_sigchld(void) {
  u64 set = signal_bit(SIG_CHLD);
  struct siginfo info = {0};
  struct timespec none = {0, 0};
  if (!(arrival.blocked & set) || (arrival.pending & set)) return;
  if (sys4(SYS_rt_sigtimedwait, &set, &info, &none, 8) != SIG_CHLD) return;
  if (info.pid == runtime.pid) {
    memset(&info, 0, sizeof info);
    sys5(SYS_waitid, 0 /* P_ALL */, 0, &info, W_EXITED | W_NOHANG | W_NOWAIT, 0);
    if (info.pid == 0) return;
  }
  sys3(SYS_rt_sigqueueinfo, arrival.pid, SIG_CHLD, &info);
}

/* Serves the child until it has ended; returns its wait status. Signals come in only during ppoll,
 * with the mask of arrival, so none can slip in between a look at the flag and the wait. */
static int wait_for_child(void) {
  struct pollfd polls[2] = {{runtime.socket, POLLIN, 0}, {runtime.pidfd, POLLIN, 0}};
  i64 kill_at = 0;
  for (;;) {
    int status = 0;
    i64 left = wait_ms(kill_at);
    struct timespec time = {left / 1000, left % 1000 * 1000000};
    i64 ready = sys5(SYS_ppoll, polls, 2, left < 0 ? 0 : &time, &arrival.blocked, 8);
    if (ready > 0 && polls[0].revents && !serve_request(runtime.socket)) polls[0].fd = -1;
    if (runtime.pidfd < 0 || (ready > 0 && polls[1].revents)) {
      i64 pid = sys4(SYS_wait4, runtime.pid, &status, W_NOHANG, 0);
      if (pid == runtime.pid) return status;
      /* SIGCHLD is ignored, so the kernel has reaped it: the document says how it went. */
      if (pid < 0 && pid != -E_INTR) return 0;
    }
    if (ended_by && kill_at == 0) {
      sys2(SYS_kill, runtime.pid, SIG_TERM);
      kill_at = monotonic_ms() + TERM_GRACE_MS;
    } else if (kill_at > 0 && monotonic_ms() >= kill_at) {
      sys2(SYS_kill, runtime.pid, SIG_KILL);
      kill_at += TERM_GRACE_MS;
    }
  }
}

#endif
