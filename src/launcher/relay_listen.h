/* What the relay listens at: ports of localhost and files of Unix sockets. */
#ifndef BELLHOP_RELAY_LISTEN_H
#define BELLHOP_RELAY_LISTEN_H
#include "relay_streams.h"

enum { RECEIVE_BYTES = 4 << 20, BACKLOG = 64 };

static void print_report(const char *text, const char *step, i64 error) {
  char why[128], *end = why + sizeof why - 1;
  append_failure(why, end, step, error);
  write_report(text, why);
}

static void make_folders(char *path) {
  for (char *at = path + 1; *at; at++) {
    if (*at != '/') continue;
    *at = 0;
    sys3(SYS_mkdirat, AT_CWD, path, 0755);
    *at = '/';
  }
}

enum { STAT_NO_FOLLOW = 0x100, STAT_TYPE = 1, STAT_BYTES = 256, STAT_MODE_HIGH = 29 };
enum { MODE_TYPE = 0170000 >> 8, MODE_SOCKET = 0140000 >> 8 };

/* Connecting to what is no socket is refused as well. A link is not followed. */
static int is_socket(const char *path) {
  u8 status[STAT_BYTES];
  if (sys5(SYS_statx, AT_CWD, path, STAT_NO_FOLLOW, STAT_TYPE, status) < 0) return 0;
  return (status[STAT_MODE_HIGH] & MODE_TYPE) == MODE_SOCKET;
}

/* A socket file that nobody listens at is a leftover of an earlier start. */
static i64 bind_unix(struct listener *one, i64 fd, int type) {
  char *path = (char *)one->address.data + 2;
  make_folders(path);
  i64 error = sys3(SYS_bind, fd, one->address.data, one->address.bytes);
  if (error == -E_ADDRINUSE) {
    i64 probe = open_socket(&one->address, type);
    i64 answer = sys3(SYS_connect, probe, one->address.data, one->address.bytes);
    if (probe >= 0) sys1(SYS_close, probe);
    if (answer != -E_REFUSED || !is_socket(path)) return error;
    sys3(SYS_unlinkat, AT_CWD, path, 0);
    error = sys3(SYS_bind, fd, one->address.data, one->address.bytes);
  }
  /* As the Datadog agent has it: whoever the program becomes may write. */
  if (!error) sys3(SYS_fchmodat, AT_CWD, path, 0722);
  return error;
}

static i64 open_listener(struct listener *one) {
  int is_datagram = one->use == USE_STATSD || one->use == USE_DATAGRAMS;
  int type = is_datagram ? SOCK_DGRAM : SOCK_STREAM, on = 1, bytes = RECEIVE_BYTES;
  int is_unix = one->address.data[0] == AF_UNIX;
  i64 fd = open_socket(&one->address, type);
  if (fd < 0) return fd;
  if (one->address.data[0] == AF_INET6)
    sys5(SYS_setsockopt, fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (!is_datagram && !is_unix)
    sys5(SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (is_datagram &&
      sys5(SYS_setsockopt, fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
    sys5(SYS_setsockopt, fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  i64 error = is_unix ? bind_unix(one, fd, type)
                      : sys3(SYS_bind, fd, one->address.data, one->address.bytes);
  if (!error && !is_datagram) error = sys2(SYS_listen, fd, BACKLOG);
  if (error) { sys1(SYS_close, fd); return error; }
  one->fd = (int)fd;
  return 0;
}

/* Returns 0 where something that must be had cannot be. */
static int open_listeners(void) {
  int complete = 1;
  for (u32 i = 0; i < relay.listeners; i++) {
    struct listener *one = &relay.listener[i];
    i64 error = -open_listener(one);
    int no_family = error == E_NOFAMILY || error == E_ADDRNOTAVAIL;
    if (!error || (one->lenient && no_family)) continue;
    print_report(one->report, "bind", error);
    complete = 0;
  }
  return complete || relay.fail_exit == 0;
}

#endif
