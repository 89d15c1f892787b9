/* Connections that programs make to us: metrics as a stream, and ports that are passed on. */
#ifndef BELLHOP_RELAY_STREAMS_H
#define BELLHOP_RELAY_STREAMS_H
#include "relay_lines.h"

enum { FRAME_HEADER = 4, SHUT_WRITE = 1 };

static void close_connection(struct connection *one) {
  for (int i = 0; i < 2; i++)
    if (one->side[i] >= 0) sys1(SYS_close, one->side[i]);
  one->open = 0;
  sys3(SYS_madvise, one->flow, sizeof one->flow & ~4095ul, MADV_DONTNEED);
}

/* A program that cannot have a connection is told at once: its port is closed. */
static void accept_one(struct listener *from) {
  struct connection *one = relay.connection;
  const struct connection *end = one + CONNECTIONS_MAX;
  i64 fd = sys4(SYS_accept4, from->fd, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC), other = -1;
  if (fd < 0) return;
  while (one < end && one->open) one++;
  if (one == end) {
    if (from->use != USE_STREAM) relay.dropped_packets++;
    sys1(SYS_close, fd);
    return;
  }
  int connecting = 0;
  if (from->use == USE_STREAM) {
    struct target *to = &relay.target[from->target];
    other = to->address.bytes ? open_socket(&to->address, SOCK_STREAM) : -1;
    i64 error = other < 0 ? other : sys3(SYS_connect, other, to->address.data, to->address.bytes);
    connecting = error == -E_INPROGRESS;
    if (error < 0 && !connecting) {
      if (other >= 0) sys1(SYS_close, other);
      sys1(SYS_close, fd);
      return;
    }
  }
  one->use = from->use;
  one->open = 1;
  one->connecting = (u32)connecting;
  one->side[0] = (int)fd;
  one->side[1] = (int)other;
  for (int i = 0; i < 2; i++) one->flow[i].from = one->flow[i].to = one->flow[i].ended = 0;
}

/* Lines that are whole are taken; returns 0 where it is no such stream. */
static int take_frames(struct connection *one) {
  struct flow *in = &one->flow[0];
  u32 at = 0;
  for (;;) {
    u32 left = in->to - at, bytes = 0;
    if (left < FRAME_HEADER) break;
    for (int i = 0; i < FRAME_HEADER; i++) bytes |= (u32)in->bytes[at + (u32)i] << (8 * i);
    if (bytes > FLOW_BYTES - FRAME_HEADER) { relay.dropped_packets++; return 0; }
    if (left < FRAME_HEADER + bytes) break;
    add_lines(in->bytes + at + FRAME_HEADER, bytes, 1);
    at += FRAME_HEADER + bytes;
  }
  memmove(in->bytes, in->bytes + at, in->to - at);
  in->to -= at;
  return 1;
}

static int take_stream_lines(struct connection *one, int ended) {
  struct flow *in = &one->flow[0];
  u32 at = add_lines(in->bytes, in->to, ended);
  if (at == 0 && in->to == FLOW_BYTES) { relay.dropped_metrics++; return 0; }
  memmove(in->bytes, in->bytes + at, in->to - at);
  in->to -= at;
  return 1;
}

static void read_metrics(struct connection *one) {
  struct flow *in = &one->flow[0];
  i64 n = receive(one->side[0], in->bytes + in->to, FLOW_BYTES - in->to);
  if (n == -E_AGAIN) return;
  if (n > 0) in->to += (u32)n;
  int fits = one->use == USE_STATSD_FRAMES ? take_frames(one) : take_stream_lines(one, n <= 0);
  if (n <= 0 || !fits) close_connection(one);
}

/* Moves what can be moved in one direction; returns 0 where the connection is of no more use. */
static int move_flow(struct connection *one, int direction) {
  struct flow *flow = &one->flow[direction];
  int from = one->side[direction], to = one->side[1 - direction];
  for (;;) {
    while (flow->from < flow->to) {
      i64 n = transmit(to, flow->bytes + flow->from, flow->to - flow->from);
      if (n == -E_AGAIN) return 1;
      if (n < 0) return 0;
      flow->from += (u32)n;
    }
    flow->from = flow->to = 0;
    if (flow->ended) return 1;
    i64 n = receive(from, flow->bytes, FLOW_BYTES);
    if (n == -E_AGAIN) return 1;
    if (n < 0) return 0;
    if (n == 0) {
      flow->ended = 1;
      sys2(SYS_shutdown, to, SHUT_WRITE);
      return 1;
    }
    flow->to = (u32)n;
  }
}

static void move_both(struct connection *one) {
  int goes_on = move_flow(one, 0) && move_flow(one, 1);
  if (!goes_on || (one->flow[0].ended && one->flow[1].ended)) close_connection(one);
}

/* What a side is waited for. Nothing is read that there is no room for. */
static short wanted(const struct connection *one, int side) {
  const struct flow *in = &one->flow[side], *out = &one->flow[1 - side];
  if (one->use != USE_STREAM) return side == 0 ? POLLIN : 0;
  if (one->connecting) return side == 1 ? POLLOUT : 0;
  return (short)((in->from == in->to && !in->ended ? POLLIN : 0) |
                 (out->from < out->to ? POLLOUT : 0));
}

static void serve_connection(struct connection *one, const struct pollfd polls[2]) {
  if (one->use != USE_STREAM) {
    if (polls[0].revents) read_metrics(one);
    return;
  }
  if (one->connecting) {
    int error = 0;
    u32 bytes = sizeof error;
    if (!polls[1].revents) return;
    sys5(SYS_getsockopt, one->side[1], SOL_SOCKET, SO_ERROR, &error, &bytes);
    one->connecting = 0;
    if (error) { close_connection(one); return; }
  }
  if (polls[0].revents | polls[1].revents) move_both(one);
}

#endif
