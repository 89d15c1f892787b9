/* Sends COUNT metrics NAME to a UDP port of localhost, one a packet, RATE a second: a slice each
 * millisecond, and what was missed is made good. Tells how many the kernel has taken. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  if (argc != 5) return 64;
  long count = atol(argv[3]), rate = atol(argv[4]), sent = 0;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (connect(fd, (struct sockaddr *)&to, sizeof to)) { perror("connect"); return 1; }
  char text[128];
  int n = snprintf(text, sizeof text, "%s:1|c", argv[2]);
  double begun = now();
  while (sent < count) {
    long due = (long)((now() - begun) * (double)rate);
    if (due > count) due = count;
    for (; sent < due; sent++)
      if (send(fd, text, (size_t)n, 0) != n) { perror("send"); return 1; }
    struct timespec slice = {0, 1000000};
    nanosleep(&slice, 0);
  }
  printf("sent %ld in %.2f s\n", sent, now() - begun);
  return 0;
}
