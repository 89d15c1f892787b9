/* What a program does that has a relay beside it, one word at a time:
 *   children          prints what wait(-1) and waitid(P_ALL) say of its children, and SIGCHLD
 *   send SOCKET N     sends N metrics to a Unix datagram socket
 *   group             sends SIGTERM to its process group, which it ignores itself
 *   hold              tells that it is there, then waits until standard input ends
 *   exit CODE         ends at once, as _exit */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *outcome(int result) {
  return result >= 0 ? "a child" : errno == ECHILD ? "ECHILD" : strerror(errno);
}

static void children(void) {
  sigset_t pending;
  siginfo_t info;
  printf("wait: %s\n", outcome(waitpid(-1, 0, 0)));
  printf("wait, not hanging: %s\n", outcome(waitpid(-1, 0, WNOHANG)));
  printf("waitid: %s\n", outcome(waitid(P_ALL, 0, &info, WEXITED)));
  sigpending(&pending);
  printf("SIGCHLD: %s\n", sigismember(&pending, SIGCHLD) ? "pending" : "none");
  fflush(stdout);
}

static void send_metrics(const char *path, long count) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  strncpy(to.sun_path, path, sizeof to.sun_path - 1);
  if (connect(fd, (struct sockaddr *)&to, sizeof to)) { perror(path); _exit(1); }
  for (long i = 0; i < count; i++) {
    char text[64];
    int n = snprintf(text, sizeof text, "metric.%ld:1|c", i);
    if (send(fd, text, (size_t)n, 0) != n) { perror("send"); _exit(1); }
  }
  close(fd);
}

static void hold(void) {
  char byte;
  printf("ready %d\n", getpid());
  fflush(stdout);
  while (read(0, &byte, 1) > 0) {}
}

int main(int argc, char **argv) {
  signal(SIGTERM, SIG_IGN);
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "children")) children();
    else if (!strcmp(argv[i], "send")) send_metrics(argv[i + 1], atol(argv[i + 2])), i += 2;
    else if (!strcmp(argv[i], "group")) kill(0, SIGTERM);
    else if (!strcmp(argv[i], "hold")) hold();
    else if (!strcmp(argv[i], "exit")) _exit(atoi(argv[i + 1]));
    else return 64;
  }
  return 0;
}
