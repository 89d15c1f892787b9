/* StatsD lines: apart, tagged, and together again in packets that fit. The format is DogStatsD's,
 * protocol 1.3: NAME:VALUE|TYPE|@RATE|#TAGS|c:CONTAINER|T1, events `_e{…}` and checks `_sc`. */
#ifndef BELLHOP_RELAY_LINES_H
#define BELLHOP_RELAY_LINES_H
#include "relay_names.h"

enum { REPORT_MS = 10000 };

/* Where the fields of a line begin: an event's title and text may hold anything, and say how long
 * they are. */
static u32 fields_at(const u8 *line, u32 bytes) {
  u32 at = 3, lengths[2] = {0, 0};
  if (bytes < 3 || line[0] != '_' || line[1] != 'e' || line[2] != '{') return 0;
  for (int i = 0; i < 2; i++, at++) {
    while (at < bytes && line[at] >= '0' && line[at] <= '9' && lengths[i] < DATAGRAM_BYTES_MAX)
      lengths[i] = lengths[i] * 10 + line[at++] - '0';
  }
  at += 2 + lengths[0] + lengths[1]; /* the colon, and the bar between the two */
  return at < bytes ? at : bytes;
}

/* Where tags are put: at the end of those that are there, else at the end, but before the message
 * of a check, which takes all that follows. `has` tells which. */
static u32 tags_at(const u8 *line, u32 bytes, int *has) {
  int is_check = bytes > 3 && line[0] == '_' && line[1] == 's' && line[2] == 'c';
  for (u32 at = fields_at(line, bytes); at + 1 < bytes; at++) {
    if (line[at] != '|') continue;
    if (is_check && line[at + 1] == 'm') return at;
    if (line[at + 1] != '#') continue;
    *has = 1;
    for (at += 2; at < bytes && line[at] != '|';) at++;
    return at;
  }
  return bytes;
}

static void add_line(const u8 *line, u32 bytes) {
  struct target *to = &relay.target[0];
  u32 tag_bytes = (u32)length(relay.tags), whole = bytes + (tag_bytes ? tag_bytes + 2 : 0);
  int has = 0;
  if (queue.open_bytes && queue.open_bytes + whole > to->packet_max) close_packet();
  u8 *at = room_for(whole + 1);
  if (!at) { relay.dropped_metrics++; return; }
  u32 split = tag_bytes ? tags_at(line, bytes, &has) : bytes;
  const u8 *start = at;
  memcpy(at, line, split);
  at += split;
  if (tag_bytes) {
    if (!has) *at++ = '|';
    *at++ = has ? ',' : '#';
    memcpy(at, relay.tags, tag_bytes);
    at += tag_bytes;
    memcpy(at, line + split, bytes - split);
    at += bytes - split;
  }
  *at++ = '\n';
  queue.open_bytes += (u32)(at - start);
  queue.open_lines++;
}

/* Returns how many bytes were whole lines; with `all` the last one needs no newline. */
static u32 add_lines(const u8 *text, u32 bytes, int all) {
  u32 from = 0;
  for (u32 at = 0; at <= bytes; at++) {
    if (at < bytes ? text[at] != '\n' : !all) continue;
    u32 end = at > from && text[at - 1] == '\r' ? at - 1 : at;
    if (end > from) {
      relay.metrics++;
      add_line(text + from, end - from);
    }
    from = at + 1;
  }
  return from < bytes ? from : bytes;
}

static void add_count(const char *name, u64 *count) {
  u64 dropped_before = relay.dropped_metrics;
  char text[96], *end = text + sizeof text - 1, *at = text;
  if (*count == 0) return;
  at = append(append(append(at, end, "bellhop.relay."), end, name), end, ":");
  at = append(append_number(at, end, *count), end, "|c");
  add_line((u8 *)text, (u32)(at - text));
  if (relay.dropped_metrics == dropped_before) *count = 0;
  else relay.dropped_metrics = dropped_before; /* no room for it: it is told the next time */
}

/* The kernel counts what came while our buffer was full (SK_MEMINFO_DROPS, since 4.12). */
static void count_kernel_drops(void) {
  for (u32 i = 0; i < relay.listeners; i++) {
    struct listener *one = &relay.listener[i];
    u32 facts[9] = {0}, bytes = sizeof facts;
    if (one->fd < 0 || one->address.data[0] == AF_UNIX) continue;
    if (one->use != USE_STATSD && one->use != USE_DATAGRAMS) continue;
    if (sys5(SYS_getsockopt, one->fd, SOL_SOCKET, SO_MEMINFO, facts, &bytes) < 0) continue;
    u64 *count = one->use == USE_STATSD ? &relay.dropped_packets : &relay.dropped_datagrams;
    *count += facts[8] - one->drops;
    one->drops = facts[8];
  }
}

static void tell_counts(void) {
  count_kernel_drops();
  if (relay.target[0].packet_max == 0) return; /* what is passed on has no gateway to be told to */
  add_count("metrics", &relay.metrics);
  add_count("dropped_metrics", &relay.dropped_metrics);
  add_count("dropped_packets", &relay.dropped_packets);
  add_count("dropped_datagrams", &relay.dropped_datagrams);
}

#endif
