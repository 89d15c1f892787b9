/* Starts a program under the conditions of a recipe, a file of lines `word arguments`:
 *   exec PATH · arg HEX · env HEX · block N · ignore N · pending N · fd N · close N · nonblock N ·
 *   limit R SOFT HARD · umask OCTAL · nice N · rmcwd · cwd PATH · pidns · uid N · nomemfd ·
 *   timerslack N · subreaper · pdeathsig N · oom N · nonewprivs · itimer · batch · mdwe · group ·
 *   orphan · ramfs
 * They take effect in the order of the lines. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static char *argv_[200000], *envp_[200000];
static int argc_, envc_;
static char *line, *words;

static void die(const char *what) {
  fprintf(stderr, "starter: %s: %s\n", what, strerror(errno));
  exit(99);
}
static long long next(int base) {
  char *end;
  long long value = (long long)strtoull(words, &end, base);
  words = end;
  return value;
}
static int is(const char *word) {
  size_t n = strlen(word);
  if (strncmp(line, word, n) || (line[n] && line[n] != ' ')) return 0;
  words = line + n + (line[n] == ' ');
  return 1;
}
static int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }
static char *unhex(const char *hex) {
  size_t n = strlen(hex) / 2;
  char *bytes = malloc(n + 1);
  for (size_t i = 0; i < n; i++) bytes[i] = (char)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
  bytes[n] = 0;
  return bytes;
}
static void place(int from, int to) {
  if (from == to) { fcntl(to, F_SETFD, 0); return; }
  if (dup2(from, to) < 0) die("dup2");
  close(from);
}
static void remove_cwd(void) {
  char folder[] = "/tmp/bellhop-gone-XXXXXX";
  if (!mkdtemp(folder) || chdir(folder) || rmdir(folder)) die("rmcwd");
}
/* As PID 1 with a /proc of its own; what it ends with we end with. */
static void new_pid_namespace(void) {
  int status;
  if (unshare(CLONE_NEWPID | CLONE_NEWNS)) die("unshare");
  if (mount("none", "/", 0, MS_REC | MS_PRIVATE, 0)) die("private");
  pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) {
    if (mount("proc", "/proc", "proc", 0, 0)) die("proc");
    return;
  }
  waitpid(pid, &status, 0);
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 200 + WTERMSIG(status));
}
static void deny_memfd(void) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {4, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &program)) die("seccomp");
}
/* /dev/shm on something that is not tmpfs, as in a container where it lies on the disk. */
static void replace_shm(void) {
  if (unshare(CLONE_NEWNS) || mount("none", "/", 0, MS_REC | MS_PRIVATE, 0)) die("unshare");
  if (mount("ramfs", "/dev/shm", "ramfs", 0, 0)) die("ramfs");
}
static void more_conditions(void) {
  struct itimerval timer = {{0, 0}, {3600, 0}};
  struct sched_param param = {0};
  if (is("timerslack")) prctl(PR_SET_TIMERSLACK, next(10));
  else if (is("subreaper")) prctl(PR_SET_CHILD_SUBREAPER, 1);
  else if (is("pdeathsig")) prctl(PR_SET_PDEATHSIG, next(10));
  else if (is("nonewprivs")) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  else if (is("mdwe")) { if (prctl(65, 1, 0, 0, 0)) die("mdwe"); }
  else if (is("itimer")) setitimer(ITIMER_REAL, &timer, 0);
  else if (is("batch")) sched_setscheduler(0, SCHED_BATCH, &param);
  else if (is("group")) setpgid(0, 0);
  else if (is("nomemfd")) deny_memfd();
  else if (is("ramfs")) replace_shm();
  else if (is("uid")) {
    uid_t uid = (uid_t)next(10);
    if (setgroups(0, 0) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid)) die("uid");
  } else if (is("oom")) {
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (write(fd, words, strlen(words)) < 0) die("oom");
    close(fd);
  } else { fprintf(stderr, "starter: unknown line: %s\n", line); exit(99); }
}
static void condition(void) {
  sigset_t set;
  siginfo_t info;
  int pair[2];
  sigemptyset(&set);
  if (is("block")) { sigaddset(&set, (int)next(10)); sigprocmask(SIG_BLOCK, &set, 0); }
  else if (is("ignore")) signal((int)next(10), SIG_IGN);
  else if (is("pending")) raise((int)next(10));
  else if (is("orphan")) { if (fork() == 0) _exit(0); waitid(P_ALL, 0, &info, WEXITED | WNOWAIT); }
  else if (is("fd")) place(open("/dev/null", O_RDONLY), (int)next(10));
  else if (is("close")) close((int)next(10));
  else if (is("nonblock")) {
    int to = (int)next(10);
    if (pipe(pair)) die("pipe");
    int keep = pair[to == 0 ? 0 : 1], other = pair[to == 0 ? 1 : 0];
    fcntl(keep, F_SETFL, fcntl(keep, F_GETFL) | O_NONBLOCK);
    fcntl(other, F_DUPFD, 900); /* kept open, so that neither end of the pipe is broken */
    close(other);
    place(keep, to);
  } else if (is("limit")) {
    int which = (int)next(10);
    struct rlimit limit;
    limit.rlim_cur = (rlim_t)next(10);
    limit.rlim_max = (rlim_t)next(10);
    if (setrlimit((__rlimit_resource_t)which, &limit)) die("limit");
  } else if (is("umask")) umask((mode_t)next(8));
  else if (is("nice")) { if (setpriority(PRIO_PROCESS, 0, (int)next(10))) die("nice"); }
  else if (is("rmcwd")) remove_cwd();
  else if (is("cwd")) { if (chdir(words)) die("cwd"); }
  else if (is("pidns")) new_pid_namespace();
  else more_conditions();
}

int main(int argc, char **argv) {
  char *program = 0;
  size_t room = 0;
  if (argc != 2) return 98;
  FILE *recipe = fopen(argv[1], "re");
  if (!recipe) die(argv[1]);
  char **lines = calloc(400000, sizeof *lines);
  int count = 0;
  for (char *text = 0; getline(&text, &room, recipe) >= 0; text = 0, room = 0) {
    text[strcspn(text, "\n")] = 0;
    lines[count++] = text;
  }
  fclose(recipe);
  for (int i = 0; i < count; i++) {
    line = lines[i];
    if (is("exec")) program = words;
    else if (is("arg")) argv_[argc_++] = unhex(words);
    else if (is("env")) envp_[envc_++] = unhex(words);
    else if (*line) condition();
  }
  execve(program, argv_, envp_);
  die(program);
}
