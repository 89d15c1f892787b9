/* Prints, as one flat JSON object into the file named by its first argument, everything a program
 * can see of how it was started. Built statically, so that no loader adds to the picture. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static char *out, *at;
static int first = 1;

static void key(const char *name) {
  at += sprintf(at, "%s\"%s\": ", first ? "{" : ",\n ", name);
  first = 0;
}
static void text(const char *name, const char *value) {
  key(name);
  *at++ = '"';
  for (; *value; value++) {
    if (*value == '"' || *value == '\\') *at++ = '\\';
    if ((unsigned char)*value < 32 || (unsigned char)*value > 126)
      at += sprintf(at, "\\u%04x", (unsigned char)*value);
    else *at++ = *value;
  }
  *at++ = '"';
}
static void number(const char *name, long long value) {
  key(name);
  at += sprintf(at, "\"%lld\"", value);
}
static void strings(const char *name, char **list) {
  key(name);
  *at++ = '[';
  for (char **s = list; *s; s++) {
    if (s != list) *at++ = ',';
    *at++ = '"';
    for (char *c = *s; *c; c++) {
      static const char hex[] = "0123456789abcdef";
      *at++ = hex[(unsigned char)*c >> 4], *at++ = hex[(unsigned char)*c & 15];
    }
    *at++ = '"';
  }
  *at++ = ']';
}
static void file_line(const char *name, const char *path, const char *prefix) {
  char buffer[16384], *found;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  long n = fd < 0 ? -1 : read(fd, buffer, sizeof buffer - 1);
  if (fd >= 0) close(fd);
  if (n < 0) { text(name, "unreadable"); return; }
  buffer[n] = 0;
  found = *prefix ? strstr(buffer, prefix) : buffer;
  if (!found) { text(name, "missing"); return; }
  found += strlen(prefix);
  found[strcspn(found, "\n")] = 0;
  text(name, found);
}

static void descriptors(void) {
  char name[64], link[64], target[4200];
  for (int fd = 0; fd < 1024; fd++) {
    int own = fcntl(fd, F_GETFD), flags = fcntl(fd, F_GETFL);
    if (own < 0) continue;
    sprintf(link, "/proc/self/fd/%d", fd);
    long n = readlink(link, target, sizeof target - 64);
    target[n < 0 ? 0 : n] = 0;
    char *inode = strstr(target, ":[");
    if (inode) *inode = 0;
    sprintf(target + strlen(target), " fd=%x fl=%x", own, flags);
    sprintf(name, "fd %d", fd);
    text(name, target);
  }
}

static void signals(void) {
  struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } action;
  char name[32];
  unsigned long set = 0;
  for (int s = 1; s <= 64; s++) {
    syscall(SYS_rt_sigaction, s, 0, &action, 8);
    if (action.handler == 0 && action.flags == 0 && action.mask == 0) continue;
    sprintf(name, "signal %d", s);
    text(name, action.handler == (void *)1 ? "ignored" : "other");
  }
  syscall(SYS_rt_sigprocmask, 0, 0, &set, 8);
  number("blocked", (long long)set);
  syscall(SYS_rt_sigpending, &set, 8);
  number("pending", (long long)set);
}

static void limits(void) {
  char name[32], value[64];
  for (int i = 0; i < 16; i++) {
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)i, &limit)) continue;
    sprintf(name, "rlimit %d", i);
    sprintf(value, "%lld %lld", (long long)limit.rlim_cur, (long long)limit.rlim_max);
    text(name, value);
  }
}

static void identity(void) {
  char list[4096] = "", *end = list;
  gid_t groups[256];
  uid_t r, e, s;
  getresuid(&r, &e, &s);
  sprintf(list, "%u %u %u", r, e, s);
  text("uids", list);
  getresgid(&r, &e, &s);
  sprintf(list, "%u %u %u", r, e, s);
  text("gids", list);
  list[0] = 0;
  int n = getgroups(256, groups);
  for (int i = 0; i < n; i++) end += sprintf(end, "%u ", groups[i]);
  text("groups", list);
  number("ppid", getppid());
  number("leads its group", getpgrp() == getpid());
  number("leads its session", getsid(0) == getpid());
  number("is pid 1", getpid() == 1);
}

static void odds(void) {
  int value = 0;
  struct itimerval timer;
  prctl(PR_GET_PDEATHSIG, &value);
  number("pdeathsig", value);
  prctl(PR_GET_CHILD_SUBREAPER, &value);
  number("subreaper", value);
  number("dumpable", prctl(PR_GET_DUMPABLE));
  number("no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  number("securebits", prctl(PR_GET_SECUREBITS));
  number("keepcaps", prctl(PR_GET_KEEPCAPS));
  number("thp disabled", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  number("timing", prctl(PR_GET_TIMING));
  number("mdwe", prctl(65 + 1 /* PR_GET_MDWE */, 0, 0, 0, 0));
  number("timerslack", prctl(PR_GET_TIMERSLACK));
  number("personality", personality(0xffffffff));
  number("nice", getpriority(PRIO_PROCESS, 0));
  number("scheduler", sched_getscheduler(0));
  number("ioprio", syscall(SYS_ioprio_get, 1, 0));
  for (int i = 0; i < 3; i++) {
    static const char *const names[] = {"itimer real", "itimer virtual", "itimer prof"};
    getitimer((__itimer_which_t)i, &timer);
    number(names[i], timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0);
  }
  value = umask(0);
  number("umask", value);
  umask((mode_t)value);
}

int main(int argc, char **argv, char **envp) {
  static const char *const caps[] = {"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"};
  char cwd[4200];
  if (argc < 2) return 64;
  out = at = malloc(64 << 20);
  descriptors();
  signals();
  strings("argv", argv);
  strings("env", envp);
  key("cwd");
  at += sprintf(at, "\"%s\"", syscall(SYS_getcwd, cwd, sizeof cwd) < 0 ? "gone" : cwd);
  identity();
  limits();
  odds();
  for (int i = 0; i < 5; i++) file_line(caps[i], "/proc/self/status", caps[i]);
  file_line("threads", "/proc/self/status", "Threads:");
  file_line("seccomp", "/proc/self/status", "Seccomp:");
  file_line("cpus", "/proc/self/status", "Cpus_allowed:");
  file_line("comm", "/proc/self/comm", "");
  file_line("oom_score_adj", "/proc/self/oom_score_adj", "");
  file_line("coredump_filter", "/proc/self/coredump_filter", "");
  file_line("autogroup", "/proc/self/autogroup", "nice");
  at += sprintf(at, "}\n");
  struct rlimit size;
  getrlimit(RLIMIT_FSIZE, &size);
  size.rlim_cur = size.rlim_max; /* after it was looked at: our own answer must fit */
  setrlimit(RLIMIT_FSIZE, &size);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return 73;
  for (char *p = out; p < at;) {
    long n = write(fd, p, (size_t)(at - p));
    if (n <= 0) return 74;
    p += n;
  }
  return 0;
}
