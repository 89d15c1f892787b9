// Keeps one container of a simulator: makes its namespaces, has them furnished by a shell, starts
// the relay that stands for the platform's own addresses, and then the program as PID 1 or as the
// child of a small init. It reads its orders from a file of NUL-terminated words (_container.ts
// writes it), stops the program when its standard input says so (SIGTERM, then SIGKILL), kills all
// when that input ends, and writes how the program ended.
// build: cc -std=gnu11 -O2 -static -s -o keeper keeper.c
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CLOSED, OPEN, TERMINAL };
enum { BROKEN = 125, GROUPS_MAX_HERE = 64, CAPS = 64, STACK_BYTES = 8 << 20 };

static char *words, *end_of_words;

static void die(const char *what) {
  fprintf(stderr, "keeper: %s: %s\n", what, strerror(errno));
  exit(BROKEN);
}

static char *word(void) {
  char *one = words;
  if (one >= end_of_words) die("the orders end early");
  words += strlen(one) + 1;
  return one;
}

static long number(void) { return strtol(word(), NULL, 0); }

static char **list(void) {
  long n = number();
  char **all = calloc(n + 1, sizeof *all);
  for (long i = 0; i < n; i++) all[i] = word();
  return all;
}

static void read_orders(const char *path) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) < 0) die(path);
  words = malloc(st.st_size + 1);
  if (read(fd, words, st.st_size) != st.st_size) die(path);
  words[st.st_size] = 0;
  end_of_words = words + st.st_size;
  close(fd);
}

static pid_t start(char **argv, int out) {
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, 0);
  if (out >= 0) dup2(out, 1);
  execvp(argv[0], argv);
  die(argv[0]);
  return -1;
}

static void run_to_end(char **argv) {
  int status;
  if (argv[0] == NULL) return;
  pid_t pid = start(argv, 2);
  if (waitpid(pid, &status, 0) < 0 || status != 0) {
    fprintf(stderr, "keeper: %s failed\n", argv[0]);
    exit(BROKEN);
  }
}

static void start_relay(char **argv) {
  int ready[2];
  char byte;
  if (argv[0] == NULL) return;
  if (pipe2(ready, O_CLOEXEC) < 0) die("pipe");
  start(argv, ready[1]);
  close(ready[1]);
  if (read(ready[0], &byte, 1) != 1) die("the relay did not get ready");
}

struct program {
  char *root, *cwd, *uses_proc;
  long uid, gid, as_pid_one, input;
  char **groups, **env, **argv;
  unsigned long long caps;
};

static void limit_rights(struct program *p) {
  for (int cap = 0; cap < CAPS; cap++)
    if (!(p->caps >> cap & 1)) prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
  gid_t groups[GROUPS_MAX_HERE];
  int n = 0;
  while (p->groups[n] && n < GROUPS_MAX_HERE) groups[n] = strtoul(p->groups[n], NULL, 10), n++;
  if (setgroups(n, groups) < 0 || setgid(p->gid) < 0 || setuid(p->uid) < 0) die("ids");
  struct rlimit stack = {STACK_BYTES, RLIM_INFINITY};
  setrlimit(RLIMIT_STACK, &stack);
}

// As a container runtime: by PATH of the container's own environment, without a shell.
static void become(struct program *p) {
  const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  for (char **one = p->env; *one; one++)
    if (!strncmp(*one, "PATH=", 5)) path = *one + 5;
  if (strchr(p->argv[0], '/')) {
    execve(p->argv[0], p->argv, p->env);
  } else {
    int denied = 0;
    for (const char *at = path; at; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL) {
      char full[4096];
      int n = (int)strcspn(at, ":");
      snprintf(full, sizeof full, "%.*s/%s", n ? n : 1, n ? at : ".", p->argv[0]);
      execve(full, p->argv, p->env);
      if (errno == EACCES) denied = 1;
      else if (errno != ENOENT && errno != ENOTDIR) break;
    }
    if (denied && errno == ENOENT) errno = EACCES;
  }
  int code = errno == ENOENT || errno == ENOTDIR ? 127 : 126;
  fprintf(stderr, "exec: \"%s\": %s\n", p->argv[0], strerror(errno));
  _exit(code);
}

static pid_t forwarded_to;
static void forward(int signal) { kill(forwarded_to, signal); }

static void as_init(void) {
  pid_t user = forwarded_to = fork();
  if (user == 0) return;
  signal(SIGTERM, forward);
  signal(SIGINT, forward);
  for (;;) {
    int status;
    pid_t done = wait(&status);
    if (done == user) _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    if (done < 0 && errno == ECHILD) _exit(BROKEN);
  }
}

static void be_the_program(struct program *p, int in, int out, int err) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setsid();
  if (p->uses_proc[0] &&
      mount("proc", p->uses_proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
    die("proc");
  dup2(in, 0);
  dup2(out, 1);
  dup2(err, 2);
  if (p->input == TERMINAL && ioctl(0, TIOCSCTTY, 0) < 0) die("terminal");
  if (syscall(SYS_close_range, 3u, ~0u, 0u) < 0) die("close_range");
  if (chroot(p->root) < 0 || chdir(p->cwd) < 0) die(p->cwd);
  umask(022);
  if (!p->as_pid_one) as_init();
  limit_rights(p);
  become(p);
}

static long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int copy(int from, int to) {
  static char buffer[65536];
  ssize_t n = read(from, buffer, sizeof buffer);
  for (ssize_t done = 0; done < n;) {
    ssize_t wrote = write(to, buffer + done, n - done);
    if (wrote < 0) return 0;
    done += wrote;
  }
  return n > 0;
}

struct limits {
  long run_ms, stop_ms;
  int stop_signal;
};

// Until the program has ended and its pipes are empty; `why` says what ended it: 0 itself, 1 a
// stop, 2 a stop that it did not heed, 3 the limit of the run.
static int watch(pid_t pid, int *pipes, struct limits limits, int *why) {
  int pidfd = syscall(SYS_pidfd_open, pid, 0), status = 0;
  long long began = now_ms(), until = began + limits.run_ms;
  struct pollfd fds[] = {{0, POLLIN, 0}, {pidfd, POLLIN, 0}, {pipes[0], POLLIN, 0},
                         {pipes[1], POLLIN, 0}};
  while (fds[1].fd >= 0) {
    long long left = until - now_ms();
    if (left <= 0) {
      *why = *why == 1 ? 2 : 3;
      kill(pid, SIGKILL);
      until = now_ms() + 10000;
      continue;
    }
    if (poll(fds, 4, left) < 0) continue;
    if (fds[0].revents) {
      char order;
      if (read(0, &order, 1) != 1) {
        kill(pid, SIGKILL);
        _exit(BROKEN);
      }
      if (*why == 0) {
        *why = 1;
        kill(pid, limits.stop_signal);
        until = now_ms() + limits.stop_ms;
      }
    }
    for (int i = 2; i < 4; i++)
      if (fds[i].revents && !copy(fds[i].fd, i - 1)) fds[i].fd = -1;
    if (fds[1].revents && waitpid(pid, &status, WNOHANG) == pid) fds[1].fd = -1;
  }
  for (int i = 2; i < 4; i++)
    while (fds[i].fd >= 0 && copy(fds[i].fd, i - 1)) continue;
  return status;
}

// Nothing, a pipe that nobody writes to or ends, or a terminal, which is then its output, too.
static int open_input(struct program *p, int out[2], int err[2]) {
  int in[2] = {-1, -1}, locked = 0;
  char ptmx[4096];
  if (p->input == CLOSED) return open("/dev/null", O_RDWR | O_CLOEXEC);
  if (p->input == OPEN && pipe2(in, O_CLOEXEC) < 0) die("pipe");
  if (p->input == OPEN) return in[0];
  snprintf(ptmx, sizeof ptmx, "%s/dev/pts/ptmx", p->root);
  int master = open(ptmx, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0 || ioctl(master, TIOCSPTLCK, &locked) < 0) die(ptmx);
  // O_CLOEXEC would stay among the flags that the program sees.
  int peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
  if (peer < 0 || fcntl(peer, F_SETFD, FD_CLOEXEC) < 0) die("terminal");
  close(out[0]), close(out[1]), close(err[1]);  // else these pipes would never end
  out[0] = master;
  out[1] = peer;
  err[1] = fcntl(peer, F_DUPFD_CLOEXEC, 0);
  return fcntl(peer, F_DUPFD_CLOEXEC, 0);
}

static pid_t start_program(struct program *p, int out[2], int err[2]) {
  int in = open_input(p, out, err);
  pid_t pid = syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
  if (pid < 0) die("a PID namespace");
  if (pid == 0) be_the_program(p, in, out[1], err[1]);
  close(in);
  close(out[1]);
  close(err[1]);
  return pid;
}

int main(int argc, char **argv) {
  if (argc != 2) return BROKEN;
  signal(SIGPIPE, SIG_IGN);
  read_orders(argv[1]);
  char *report = word(), *hostname = word();
  long has_network = number();
  char **furnish = list(), **relay = list(), **collect = list();
  struct limits limits = {number(), number(), number()};
  struct program p = {.root = word(), .cwd = word(), .uses_proc = word(), .uid = number()};
  p.gid = number();
  p.as_pid_one = number();
  p.input = number();
  p.groups = list();
  p.caps = strtoull(word(), NULL, 0);
  p.env = list();
  p.argv = list();
  int spaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | (has_network ? 0 : CLONE_NEWNET);
  if (unshare(spaces) < 0) die("namespaces");
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) die("private mounts");
  if (sethostname(hostname, strlen(hostname)) < 0) die("hostname");
  run_to_end(furnish);
  start_relay(relay);
  int out[2], err[2], why = 0;
  if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0) die("pipe");
  signal(SIGPIPE, SIG_DFL);
  long long began = now_ms();
  pid_t pid = start_program(&p, out, err);
  signal(SIGPIPE, SIG_IGN);
  int status = watch(pid, (int[]){out[0], err[0]}, limits, &why);
  long long took = now_ms() - began;
  run_to_end(collect);
  FILE *file = fopen(report, "w");
  if (!file) die(report);
  fprintf(file, "{\"exit\":%d,\"signal\":%d,\"why\":%d,\"tookMs\":%lld}\n",
          WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          WIFSIGNALED(status) ? WTERMSIG(status) : 0, why, took);
  return fclose(file);
}
