/* The gateway's name, looked up again and again: an address that has moved is found. The questions
 * were made by the runtime (src/wire/dns.ts); here they go to the name servers by turns, and of an
 * answer only the addresses are read (RFC 1035, 4.1). */
#ifndef BELLHOP_RELAY_NAMES_H
#define BELLHOP_RELAY_NAMES_H
#include "relay_out.h"

enum { ANSWER_MS_MAX = 2000, DNS_HEADER = 12, DNS_A = 1, DNS_AAAA = 28 };

static struct {
  struct cursor left; /* the questions that this look-up has not had an answer to */
  const u8 *next;
  u32 turn;
  int fd; /* 0: none is open */
  i64 at; /* when to ask without an answer */
} names;

/* Asks where it is time to; no answer in time is the turn of the next server. */
static void ask_name(void) {
  if (relay.now < names.at) return;
  if (names.fd > 0) sys1(SYS_close, names.fd);
  names.fd = 0;
  if (names.left.at == names.left.end) {
    names.left = relay.questions;
    names.at = relay.now + relay.look_ms;
    return;
  }
  struct address *server = &relay.server[names.turn++ % relay.servers];
  struct cursor in = names.left;
  u32 bytes = take_u32(&in);
  u8 *question = (u8 *)in.at;
  names.next = question + bytes;
  names.at = relay.now + ANSWER_MS_MAX;
  question[0] = (u8)(relay.now >> 8);
  question[1] = (u8)relay.now;
  names.fd = (int)open_socket(server, SOCK_DGRAM);
  if (!sys3(SYS_connect, names.fd, server->data, server->bytes))
    transmit(names.fd, question, bytes);
}

static u32 number_in(const u8 *text) { return (u32)text[0] << 8 | text[1]; }

static const u8 *behind_name(const u8 *at, const u8 *end) {
  while (at < end && *at && *at < 0xc0) at += *at + 1;
  return at + (at < end && *at ? 2 : 1);
}

/* Is there an address? One that is among those that are given stays what it is; else what was not
 * sent goes to the last of them. */
static int read_addresses(const u8 *text, const u8 *end) {
  struct target *to = relay.target;
  u32 is_v4 = to->address.data[0] == AF_INET, wanted = is_v4 ? 4 : 16;
  u8 *now = to->address.data + (is_v4 ? 4 : 8);
  const u8 *at = behind_name(text + DNS_HEADER, end) + 4, *found = 0;
  for (u32 count = number_in(text + 6); count; count--) {
    at = behind_name(at, end) + 10;
    if (at > end) break;
    u32 bytes = number_in(at - 2), same = 0;
    if (bytes > end - at) break;
    if (bytes == wanted && number_in(at - 10) == (is_v4 ? DNS_A : DNS_AAAA)) {
      while (same < bytes && now[same] == at[same]) same++;
      found = at;
      if (same == bytes) return 1;
    }
    at += bytes;
  }
  if (!found) return 0;
  memcpy(now, found, wanted);
  lost_stream(to);
  to->retry_at = to->wait_ms = to->blocked = 0;
  return 1;
}

static void hear_name(void) {
  const u8 *text = relay.datagram;
  i64 n = receive(names.fd, relay.datagram, DATAGRAM_BYTES_MAX);
  if (n < DNS_HEADER || number_in(text) != number_in(names.left.at + 4)) return;
  names.at = relay.now;
  /* A server that cannot say is none that says no: the next look-up begins with the next one. */
  if (read_addresses(text, text + n)) names.left.at = names.left.end;
  else names.left.at = names.next;
}

#endif
