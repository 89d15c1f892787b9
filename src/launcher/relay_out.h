/* The way out: the queue of packets to the gateway, and connections to what is behind. */
#ifndef BELLHOP_RELAY_OUT_H
#define BELLHOP_RELAY_OUT_H
#include "relay_parts.h"

enum { RETRY_MS_MIN = 50, RETRY_MS_MAX = 5000, FULL_MS = 5, REFUSED_MAX = 2 };

/* Packets lie one after another, {u32 bytes, u32 lines, bytes}, each ending in a newline. The one
 * that is being filled lies behind the last. */
static struct {
  u8 *bytes;
  u32 head, tail;          /* of the closed packets */
  u32 open_bytes, open_lines;
  u32 sent;                /* of the first packet, on a stream */
  u32 last_lines;          /* what a datagram that was refused has held */
} queue;

enum { PACKET_HEADER = 8 };

static u32 number_at(u32 at) { return *(u32 *)(queue.bytes + at); }

static void close_packet(void) {
  if (queue.open_bytes == 0) return;
  *(u32 *)(queue.bytes + queue.tail) = queue.open_bytes;
  *(u32 *)(queue.bytes + queue.tail + 4) = queue.open_lines;
  queue.tail += (PACKET_HEADER + queue.open_bytes + 3) & ~3u;
  queue.open_bytes = queue.open_lines = 0;
}

/* Room for so many bytes in the open packet. Moving is worth it only when half of the queue comes
 * free by it; before that the newest metric is the one that is lost. */
static u8 *room_for(u32 bytes) {
  u32 end = queue.tail + PACKET_HEADER + queue.open_bytes;
  if (end + bytes + 4 > QUEUE_BYTES && queue.head > QUEUE_BYTES / 2) {
    memmove(queue.bytes, queue.bytes + queue.head, end - queue.head);
    queue.tail -= queue.head;
    end -= queue.head;
    queue.head = 0;
  }
  return end + bytes + 4 > QUEUE_BYTES ? 0 : queue.bytes + end;
}

static void take_packet(void) {
  queue.head += (PACKET_HEADER + number_at(queue.head) + 3) & ~3u;
  queue.sent = 0;
  if (queue.head == queue.tail && queue.open_bytes == 0) queue.head = queue.tail = 0;
}

static void put_off(struct target *to) {
  if (to->fd >= 0) sys1(SYS_close, to->fd);
  to->fd = -1;
  to->connecting = 0;
  to->wait_ms = to->wait_ms < RETRY_MS_MIN ? RETRY_MS_MIN : to->wait_ms * 2;
  if (to->wait_ms > RETRY_MS_MAX) to->wait_ms = RETRY_MS_MAX;
  to->retry_at = relay.now + to->wait_ms;
}

/* Is it ready to be written to? Opens it where it is time to. */
static int is_ready(struct target *to) {
  if (to->fd >= 0) return !to->connecting && to->retry_at <= relay.now;
  if (to->retry_at > relay.now || to->address.bytes == 0) return 0;
  i64 fd = open_socket(&to->address, to->is_stream ? SOCK_STREAM : SOCK_DGRAM);
  i64 error = fd < 0 ? fd : sys3(SYS_connect, fd, to->address.data, to->address.bytes);
  to->fd = (int)fd;
  if (error == -E_INPROGRESS) to->connecting = 1;
  else if (error < 0) put_off(to);
  return error == 0;
}

/* A stream that was being opened has got an answer. */
static void opened(struct target *to) {
  int error = 0;
  u32 bytes = sizeof error;
  sys5(SYS_getsockopt, to->fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
  to->connecting = 0;
  if (error) put_off(to);
  else to->wait_ms = 0;
}

/* What was cut off in the middle of a line is sent again from the beginning of that line. */
static void lost_stream(struct target *to) {
  const u8 *packet = queue.bytes + queue.head + PACKET_HEADER;
  while (queue.sent > 0 && packet[queue.sent - 1] != '\n') queue.sent--;
  put_off(to);
}

static void send_stream(struct target *to) {
  while (queue.head < queue.tail) {
    u32 bytes = number_at(queue.head);
    const u8 *packet = queue.bytes + queue.head + PACKET_HEADER;
    i64 n = transmit(to->fd, packet + queue.sent, bytes - queue.sent);
    if (n < 0) {
      if (n == -E_AGAIN) to->blocked = 1;
      else lost_stream(to);
      return;
    }
    to->wait_ms = 0;
    queue.sent += (u32)n;
    if (queue.sent == bytes) take_packet();
  }
}

static void send_datagrams(struct target *to) {
  int refused = 0;
  while (queue.head < queue.tail) {
    u32 lines = number_at(queue.head + 4);
    i64 n = transmit(to->fd, queue.bytes + queue.head + PACKET_HEADER,
                     number_at(queue.head) - 1u);
    if (n == -E_AGAIN || n == -E_NOBUFS) {
      to->blocked = n == -E_AGAIN;
      to->retry_at = n == -E_AGAIN ? 0 : relay.now + FULL_MS;
      return;
    }
    if (n == -E_REFUSED && to->address.data[0] != AF_UNIX && refused++ < REFUSED_MAX) {
      /* The answer to the datagram before: nobody has taken it. */
      relay.dropped_metrics += queue.last_lines;
      queue.last_lines = 0;
      continue;
    }
    if (n == -E_REFUSED || n == -E_NOTCONN) { put_off(to); return; }
    if (n < 0) relay.dropped_metrics += lines; /* too long, no route: the next may be another case */
    else to->wait_ms = 0;
    queue.last_lines = n < 0 ? 0 : lines;
    take_packet();
  }
}

static void send_queue(void) {
  struct target *to = &relay.target[0];
  close_packet();
  if (queue.head == queue.tail || to->blocked || !is_ready(to)) return;
  if (to->is_stream) send_stream(to);
  else send_datagrams(to);
}

#endif
