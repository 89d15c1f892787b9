/* The exec document, memfd B: {u32 "BHEX", u32 version}, then records {u32 tag, u32 length,
 * payload} up to END, which must be the last byte. Strings carry their NUL, so that we point into
 * our private mapping instead of copying. Everything is checked before anything is carried out. */
#ifndef BELLHOP_DOCUMENT_H
#define BELLHOP_DOCUMENT_H
#include "arrival.h"
#include "requests.h"

enum { DOCUMENT_MAGIC = 0x58454842 /* "BHEX" */, GROUPS_MAX = 65536, CAPABILITIES_MAX = 64 };
enum tag {
  TAG_PROGRAM = 1, TAG_PATH, TAG_ARG, TAG_ARG_RAW, TAG_ENV, TAG_ENV_RAW, TAG_CWD, TAG_ROOT,
  TAG_UID, TAG_GID, TAG_GROUPS, TAG_NO_NEW_PRIVS, TAG_DROP_CAPS, TAG_UMASK, TAG_LIMIT,
  TAG_NOT_FOUND, TAG_NOT_ALLOWED, TAG_OTHER, TAG_QUIT, TAG_RELAY, TAG_END, TAGS
};

static struct {
  const char *text[TAGS]; /* of the tags that are single strings; 0 = not there */
  char **argv, **envp;
  u64 argc, envc;
  const u8 *groups; /* u32 each, aligned or not */
  u64 group_count, drop_caps;
  struct cursor relay; /* read by the relay itself, see relay.h */
  void *map, *pointers;
  u64 map_bytes, pointers_bytes;
  u32 number[TAGS];
  struct limit limits[LIMITS];
  u32 limits_set;
  u8 seen[TAGS];
} document;

static i64 map_private(u64 bytes, int fd) {
  return sys6(SYS_mmap, 0, L(bytes), PROT_READ | PROT_WRITE,
              MAP_PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
}

static const char *whole_string(struct cursor *in) {
  const char *text = take_string(in);
  if (in->at != in->end) in->bad = 1;
  return text;
}

static void add_raw(struct cursor *in, int is_arg) {
  u32 index = take_u32(in);
  if (is_arg) {
    if (index + 1ul >= arrival.argc) in->bad = 1;
    else document.argv[document.argc++] = arrival.argv[index + 1ul];
  } else {
    if (index >= arrival.envc) in->bad = 1;
    else document.envp[document.envc++] = arrival.envp[index];
  }
}

static void read_drop_caps(struct cursor *in) {
  while (in->at < in->end && !in->bad) {
    u32 number = take_u32(in);
    if (number >= CAPABILITIES_MAX) in->bad = 1;
    else document.drop_caps |= 1ul << number;
  }
}

static void read_limit(struct cursor *in) {
  u32 which = take_u32(in);
  struct limit limit = {0, 0};
  limit.soft = take_u64(in);
  limit.hard = take_u64(in);
  if (which >= LIMITS) { in->bad = 1; return; }
  document.limits[which] = limit;
  document.limits_set |= 1u << which;
}

static int may_repeat(u32 tag) {
  return tag == TAG_ARG || tag == TAG_ARG_RAW || tag == TAG_ENV || tag == TAG_ENV_RAW ||
         tag == TAG_LIMIT;
}

static void read_record(u32 tag, struct cursor *in) {
  if (document.seen[tag] && !may_repeat(tag)) in->bad = 1;
  document.seen[tag] = 1;
  switch ((enum tag)tag) {
    case TAG_PROGRAM: case TAG_PATH: case TAG_CWD: case TAG_ROOT:
    case TAG_NOT_FOUND: case TAG_NOT_ALLOWED: case TAG_OTHER:
      document.text[tag] = whole_string(in);
      break;
    case TAG_ARG: document.argv[document.argc++] = (char *)whole_string(in); break;
    case TAG_ENV: document.envp[document.envc++] = (char *)whole_string(in); break;
    case TAG_ARG_RAW: add_raw(in, 1); break;
    case TAG_ENV_RAW: add_raw(in, 0); break;
    case TAG_UID: case TAG_GID: case TAG_UMASK: case TAG_QUIT:
      document.number[tag] = take_u32(in);
      break;
    case TAG_GROUPS:
      document.groups = in->at;
      document.group_count = (u64)(in->end - in->at) / 4;
      in->at += document.group_count * 4;
      if (document.group_count > GROUPS_MAX) in->bad = 1;
      break;
    case TAG_RELAY: document.relay = *in; in->at = in->end; break;
    case TAG_DROP_CAPS: read_drop_caps(in); break;
    case TAG_LIMIT: read_limit(in); break;
    case TAG_NO_NEW_PRIVS: case TAG_END: break;
    case TAGS: in->bad = 1;
  }
  if (in->at != in->end) in->bad = 1;
}

static int is_complete(void) {
  const u8 *seen = document.seen;
  if (!seen[TAG_END]) return 0;
  if (seen[TAG_QUIT]) return document.number[TAG_QUIT] < 256;
  return seen[TAG_PROGRAM] && seen[TAG_PATH] && document.argc > 0 && seen[TAG_NOT_FOUND] &&
         seen[TAG_NOT_ALLOWED] && seen[TAG_OTHER];
}

static int read_records(struct cursor *in) {
  if (take_u32(in) != DOCUMENT_MAGIC || take_u32(in) != PROTOCOL_VERSION) return 0;
  while (in->at < in->end && !in->bad) {
    u32 tag = take_u32(in), bytes = take_u32(in);
    if (in->bad || tag == 0 || tag >= TAGS || document.seen[TAG_END]) return 0;
    if (bytes > (u64)(in->end - in->at)) return 0;
    struct cursor payload = {in->at, in->at + bytes, 0};
    in->at += bytes;
    read_record(tag, &payload);
    in->bad |= payload.bad;
  }
  return !in->bad && is_complete();
}

static void read_document(void) {
  const char *help = "this is a defect in bellhop: please report it with this message";
  i64 bytes = sys3(SYS_lseek, runtime.document, 0, SEEK_END);
  if (bytes <= 0) fail("bellhop-runtime ended without saying what to start", "", help);
  i64 at = map_private((u64)bytes, runtime.document);
  /* Each record takes at least 8 bytes, so this many strings and their two ends always fit. */
  u64 pointers_bytes = (u64)bytes / 8 * 2 * sizeof(char *) + 64;
  i64 pointers = map_private(pointers_bytes, -1);
  if ((at < 0 && at > -4096) || (pointers < 0 && pointers > -4096))
    fail("no memory for the exec document", "", "raise the memory limit");
  document.map = (void *)at;
  document.map_bytes = (u64)bytes;
  document.pointers = (void *)pointers;
  document.pointers_bytes = pointers_bytes;
  document.argv = (char **)pointers;
  document.envp = document.argv + bytes / 8 + 2;
  struct cursor in = {(const u8 *)at, (const u8 *)at + bytes, 0};
  if (!read_records(&in)) fail("cannot read the exec document of bellhop-runtime", "", help);
}

#endif
