/* What the relay works with, and reading it from its record of the exec document. Everything is of
 * a fixed size, so that a program can make it neither grow nor wait. */
#ifndef BELLHOP_RELAY_PARTS_H
#define BELLHOP_RELAY_PARTS_H
#include "become.h"

enum { TARGETS_MAX = 9, LISTENERS_MAX = 16, CONNECTIONS_MAX = 64 };
enum { ADDRESS_BYTES_MAX = 112, RECORD_BYTES_MAX = 65536, DATAGRAM_BYTES_MAX = 65536 };
enum { QUEUE_BYTES = 1 << 20, FLOW_BYTES = 16384, SERVERS_MAX = 3 };

/* How a listener is read, in the order of USES in src/core/io/launcher-wire.ts. */
enum use {
  USE_STATSD = 1,      /* datagrams of lines */
  USE_STATSD_FRAMES,   /* a stream of {u32 length, lines}, as DogStatsD has it */
  USE_STATSD_LINES,    /* a stream of lines */
  USE_DATAGRAMS,       /* passed on as they are */
  USE_STREAM           /* both directions, passed on as they are */
};

struct address { u32 bytes; u8 data[ADDRESS_BYTES_MAX]; }; /* no bytes: nobody knows it */

struct target {
  struct address address;
  u32 is_stream, packet_max;
  int fd, connecting, blocked;
  i64 retry_at, wait_ms;
};

struct listener {
  struct address address;
  u32 use, target, lenient, drops;
  const char *report;
  int fd;
};

/* One direction of a connection: what was read and not yet written. */
struct flow { u32 from, to, ended; u8 bytes[FLOW_BYTES]; };

/* side[0] is the program's, side[1] the one behind; flow[0] goes from the first to the second. */
struct connection {
  u32 use, open, connecting;
  int side[2];
  struct flow flow[2];
};

static struct {
  u32 fail_exit; /* 0: a listener that cannot be had is a warning */
  const char *tags, *not_started;
  u32 targets, listeners;
  struct target target[TARGETS_MAX];
  struct listener listener[LISTENERS_MAX];
  struct connection *connection;
  struct address server[SERVERS_MAX]; /* of names; none: the gateway has none, or not to be asked */
  u32 servers, look_ms;
  struct cursor questions; /* for the gateway's name: {u32 bytes, a packet of DNS} each */
  u8 *datagram;
  int parent; /* its pidfd, or -1 */
  i64 now;    /* monotonic milliseconds, set once a round */
  i64 ending_at; /* the program has ended: until then what is left is sent */
  u64 metrics, dropped_metrics, dropped_packets, dropped_datagrams;
} relay;

static void take_address(struct cursor *in, struct address *to) {
  to->bytes = take_u32(in);
  if (to->bytes > ADDRESS_BYTES_MAX || to->bytes > (u64)(in->end - in->at)) in->bad = 1;
  if (in->bad) return;
  memcpy(to->data, in->at, to->bytes);
  in->at += to->bytes;
}

static u32 take_count(struct cursor *in, u32 max) {
  u32 count = take_u32(in);
  if (count > max) in->bad = 1;
  return in->bad ? 0 : count;
}

static void take_target(struct cursor *in, struct target *to) {
  to->is_stream = take_u32(in);
  to->packet_max = take_u32(in);
  take_address(in, &to->address);
  to->fd = -1;
}

static void take_listener(struct cursor *in, struct listener *to) {
  to->use = take_u32(in);
  to->target = take_u32(in);
  to->lenient = take_u32(in);
  take_address(in, &to->address);
  to->report = take_string(in);
  to->fd = -1;
  if (to->use < USE_STATSD || to->use > USE_STREAM || to->target >= relay.targets) in->bad = 1;
}

static int read_relay(struct cursor *in) {
  relay.fail_exit = take_u32(in);
  relay.tags = take_string(in);
  relay.not_started = take_string(in);
  relay.look_ms = take_u32(in);
  relay.servers = take_count(in, SERVERS_MAX);
  for (u32 i = 0; i < relay.servers; i++) take_address(in, &relay.server[i]);
  u32 bytes = take_count(in, (u32)(in->end - in->at));
  relay.questions = (struct cursor){in->at, in->at + bytes, 0};
  if (bytes > (u64)(in->end - in->at)) in->bad = 1;
  else in->at += bytes;
  relay.targets = take_count(in, TARGETS_MAX);
  for (u32 i = 0; i < relay.targets; i++) take_target(in, &relay.target[i]);
  relay.listeners = take_count(in, LISTENERS_MAX);
  for (u32 i = 0; i < relay.listeners; i++) take_listener(in, &relay.listener[i]);
  return !in->bad && in->at == in->end;
}

static i64 open_socket(const struct address *at, int type) {
  i64 fd = sys3(SYS_socket, at->data[0] | at->data[1] << 8,
                type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return fd < 0 ? fd : above_stdio(fd);
}

static i64 receive(int fd, void *to, u64 bytes) {
  i64 n;
  do n = sys6(SYS_recvfrom, fd, L(to), L(bytes), MSG_DONTWAIT, 0, 0);
  while (n == -E_INTR);
  return n;
}

static i64 transmit(int fd, const void *from, u64 bytes) {
  i64 n;
  do n = sys6(SYS_sendto, fd, L(from), L(bytes), MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
  while (n == -E_INTR);
  return n;
}

#endif
