/* `bellhop become FILE -- PROGRAM ARG…`: becomes the program, with the variables and arguments that
 * the file says. An init container writes it (src/wire/start-file.ts) for containers that get
 * variables from stores.
 *
 * The file: {u32 "BHST", u32 version}, then records {u32 tag, u32 length, payload}. A target is
 * followed by its parts; END must be the last byte. The parts are put together here, because what
 * the kubelet gave the container is known only here. */
#ifndef BELLHOP_START_FILE_H
#define BELLHOP_START_FILE_H
#include "become.h"

enum { START_MAGIC = 0x54534842 /* "BHST" */, START_VERSION = 1, WORDS_BEFORE_PROGRAM = 4 };
enum start_tag { START_VARIABLE = 1, START_ARGUMENT, START_TEXT, START_FROM, START_END };

static const char DEFAULT_PATH[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* The value of `NAME=value`, or 0 where the entry is of another name. */
static const char *value_of(const char *entry, const char *name) {
  while (*name && *entry == *name) entry++, name++;
  return *name == 0 && *entry == '=' ? entry + 1 : 0;
}

static int same_name(const char *entry, const char *other) {
  while (*entry && *entry == *other && *entry != '=') entry++, other++;
  return *entry == *other;
}

static const char *variable(char **entries, const char *name) {
  for (; *entries; entries++) {
    const char *value = value_of(*entries, name);
    if (value) return value;
  }
  return 0;
}

/* Where the parts go; counts only, as long as there is no memory for them. */
static struct { char *at; u64 bytes, variables; } parts;

static void put(const char *bytes, u64 count) {
  if (parts.at) {
    memcpy(parts.at, bytes, count);
    parts.at += count;
  }
  parts.bytes += count;
}

static void put_text(const char *text) { put(text, length(text)); }

static void begin_variable(const char *name) {
  put("", 1);
  if (parts.at) document.envp[parts.variables] = parts.at;
  parts.variables++;
  put_text(name);
  put("=", 1);
}

static void begin_argument(struct cursor *in) {
  u64 index = take_u32(in);
  if (index + WORDS_BEFORE_PROGRAM >= arrival.argc) in->bad = 1;
  put("", 1);
  if (parts.at && !in->bad) document.argv[index] = parts.at;
}

/* What no variable is called stays as it was written, as the kubelet has it. */
static void put_from(const char *name) {
  const char *value = variable(arrival.envp, name);
  if (value) { put_text(value); return; }
  put("$(", 2);
  put_text(name);
  put(")", 1);
}

static void read_start_record(u32 tag, struct cursor *in, int *has_target) {
  if ((tag == START_TEXT || tag == START_FROM) && !*has_target) in->bad = 1;
  switch ((enum start_tag)tag) {
    case START_VARIABLE: begin_variable(take_string(in)); *has_target = 1; break;
    case START_ARGUMENT: begin_argument(in); *has_target = 1; break;
    case START_TEXT: put((const char *)in->at, (u64)(in->end - in->at)); in->at = in->end; break;
    case START_FROM: put_from(take_string(in)); break;
    case START_END: break;
    default: in->bad = 1;
  }
  if (in->at != in->end) in->bad = 1;
}

static int read_start_records(struct cursor in) {
  int has_target = 0;
  u32 tag = 0;
  if (take_u32(&in) != START_MAGIC || take_u32(&in) != START_VERSION) return 0;
  while (in.at < in.end && !in.bad && tag != START_END) {
    tag = take_u32(&in);
    u32 bytes = take_u32(&in);
    if (in.bad || bytes > (u64)(in.end - in.at)) return 0;
    struct cursor payload = {in.at, in.at + bytes, 0};
    in.at += bytes;
    read_start_record(tag, &payload, &has_target);
    in.bad |= payload.bad;
  }
  return !in.bad && tag == START_END && in.at == in.end;
}

static struct cursor read_start_file(const char *path) {
  const char *help = "the container bellhop-pull writes it: look at its log";
  i64 fd = sys4(SYS_openat, AT_CWD, path, O_CLOEXEC, 0);
  i64 bytes = fd < 0 ? fd : sys3(SYS_lseek, fd, 0, SEEK_END);
  i64 at = bytes <= 0 ? bytes : map_private((u64)bytes, (int)fd);
  if (at <= 0 && at > -4096) {
    const char *const sentence[] = {"cannot read the start file ", path, ": ", errno_text(-at), 0};
    end_with(EXIT_LAUNCHER, "BH_ERR_LAUNCHER", sentence, help);
  }
  sys1(SYS_close, fd);
  return (struct cursor){(const u8 *)at, (const u8 *)at + bytes, 0};
}

/* The file's variables, then those of the container that it does not have. */
static void merge_environment(void) {
  u64 ours = parts.variables, count = ours;
  for (char **entry = arrival.envp; *entry; entry++) {
    u64 n = 0;
    while (n < ours && !same_name(*entry, document.envp[n])) n++;
    if (n == ours) document.envp[count++] = *entry;
  }
  document.envp[count] = 0;
}

/* By the word that the container's command has: what it expands to may hold a secret. */
static void not_started(const char *program, i64 error) {
  int is_absent = error == E_NOENT || error == E_NOTDIR;
  const char *what = is_absent ? ": not found (execve: " : ": cannot be started (execve: ";
  const char *const sentence[] = {"program ", program, what, errno_text(error), ")", 0};
  const char *code = is_absent           ? "BH_ERR_EXEC_NOT_FOUND"
                     : error == E_ACCES  ? "BH_ERR_EXEC_NOT_ALLOWED"
                     : error == E_TOOBIG ? "BH_ERR_EXEC_TOO_BIG"
                                         : "BH_ERR_EXEC";
  end_with(is_absent ? EXIT_NOT_FOUND : EXIT_NOT_ALLOWED, code, sentence,
           error == E_TOOBIG ? "deliver large values as files"
                             : "check the container's command, and `webhook.images`");
}

/* Never returns. */
static void start_with_file(void) {
  const char *usage = "bellhop become FILE -- PROGRAM ARG…";
  if (arrival.argc <= WORDS_BEFORE_PROGRAM || !equal(arrival.argv[3], "--"))
    fail("become wants a file, `--` and a program", "", usage);
  const char *program = arrival.argv[WORDS_BEFORE_PROGRAM];
  struct cursor in = read_start_file(arrival.argv[2]);
  document.argv = arrival.argv + WORDS_BEFORE_PROGRAM;
  if (!read_start_records(in))
    fail("cannot read the start file: it is not whole, or of another release", "", usage);
  u64 text_bytes = parts.bytes + 1, entries = parts.variables + arrival.envc + 1;
  i64 memory = map_private(entries * sizeof(char *) + text_bytes, -1);
  if (memory < 0 && memory > -4096)
    fail("no memory for the variables", "", "raise the memory limit");
  document.envp = (char **)memory;
  parts.at = (char *)(document.envp + entries);
  parts.bytes = parts.variables = 0;
  read_start_records(in);
  merge_environment();
  const char *path = variable(document.envp, "PATH");
  not_started(program, look_up(document.argv[0], path ? path : DEFAULT_PATH));
}

#endif
