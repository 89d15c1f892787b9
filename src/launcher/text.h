/* Strings, memory and the launcher's own reports. */
#ifndef BELLHOP_TEXT_H
#define BELLHOP_TEXT_H
#include "sys.h"

enum { EXIT_LAUNCHER = 70, REPORT_WAIT_MS_MAX = 1000 };

/* gcc may turn loops and struct copies into calls of these three, even when freestanding. */
__attribute__((used)) void *memcpy(void *to, const void *from, u64 n) {
  for (u64 i = 0; i < n; i++) ((u8 *)to)[i] = ((const u8 *)from)[i];
  return to;
}
__attribute__((used)) void *memmove(void *to, const void *from, u64 n) {
  if ((u64)to <= (u64)from) return memcpy(to, from, n);
  while (n--) ((u8 *)to)[n] = ((const u8 *)from)[n];
  return to;
}
__attribute__((used)) void *memset(void *to, int value, u64 n) {
  for (u64 i = 0; i < n; i++) ((u8 *)to)[i] = (u8)value;
  return to;
}

static u64 length(const char *text) {
  u64 n = 0;
  while (text[n]) n++;
  return n;
}

static int starts_with(const char *text, const char *prefix) {
  while (*prefix)
    if (*text++ != *prefix++) return 0;
  return 1;
}

static int equal(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

/* Appends at `at`, cuts at `end` (which keeps room for the NUL), returns the new end. */
static char *append(char *at, char *end, const char *text) {
  while (*text && at < end) *at++ = *text++;
  *at = 0;
  return at;
}

static char *append_number(char *at, char *end, u64 value) {
  char digits[24];
  int n = sizeof digits;
  digits[--n] = 0;
  do digits[--n] = (char)('0' + value % 10);
  while (value /= 10);
  return append(at, end, digits + n);
}

/* Writes everything; a pipe that the user made non-blocking is waited for, but not for ever. */
static void write_all(int fd, const char *bytes, u64 count) {
  while (count > 0) {
    i64 n = sys3(SYS_write, fd, bytes, count);
    if (n == -E_INTR) continue;
    if (n == -E_AGAIN) {
      struct pollfd wait = {fd, POLLOUT, 0};
      struct timespec time = {REPORT_WAIT_MS_MAX / 1000, 0};
      if (sys5(SYS_ppoll, &wait, 1, &time, 0, 0) > 0) continue;
    }
    if (n <= 0) return;
    bytes += n;
    count -= (u64)n;
  }
}

static void quit(int code) {
  for (;;) sys1(SYS_exit_group, code);
}

static void block_all_signals(void) {
  u64 all = ~0ul;
  sys4(SYS_rt_sigprocmask, SET_MASK, &all, 0, 8);
}

/* Names of what execve, chdir, chroot and set*id answer in practice: each behind its number, in one
 * text, as pointers to them would take as much again. */
static const char *errno_name(i64 number) {
  static const char names[] =
      "\1" "EPERM\0" "\2" "ENOENT\0" "\5" "EIO\0" "\7" "E2BIG\0" "\10" "ENOEXEC\0"
      "\13" "EAGAIN\0" "\14" "ENOMEM\0" "\15" "EACCES\0" "\16" "EFAULT\0" "\20" "EBUSY\0"
      "\23" "ENODEV\0" "\24" "ENOTDIR\0" "\25" "EISDIR\0" "\26" "EINVAL\0" "\27" "ENFILE\0"
      "\30" "EMFILE\0" "\32" "ETXTBSY\0" "\33" "EFBIG\0" "\34" "ENOSPC\0" "\36" "EROFS\0"
      "\44" "ENAMETOOLONG\0" "\46" "ENOSYS\0" "\50" "ELOOP\0" "\120" "ELIBBAD\0"
      "\141" "EAFNOSUPPORT\0" "\142" "EADDRINUSE\0" "\143" "EADDRNOTAVAIL\0";
  for (const char *at = names; *at; at += length(at) + 1)
    if (*at == number) return at + 1;
  return "errno";
}

/* `ERRNAME (number)`, in a buffer that the next call writes over. */
static const char *errno_text(i64 number) {
  static char text[48];
  char *end = text + sizeof text - 1, *at = append(text, end, errno_name(number));
  append(append_number(append(at, end, " ("), end, (u64)number), end, ")");
  return text;
}

/* The usual three lines. Signals are blocked first, so that a reader of stderr that has gone away
 * does not change the exit code. */
static void end_with(int exit, const char *code, const char *const sentence[], const char *help) {
  char text[1024], *at = text, *end = text + sizeof text - 1;
  block_all_signals();
  at = append(at, end, "bellhop: ");
  for (; *sentence; sentence++) at = append(at, end, *sentence);
  at = append(append(at, end, "\n  code: "), end, code);
  at = append(append_number(append(at, end, " (exit "), end, (u64)exit), end, ")\n  help: ");
  at = append(append(at, end, help), end, "\n");
  write_all(2, text, (u64)(at - text));
  quit(exit);
}

/* `step: ERRNO`. */
static void append_failure(char *at, char *end, const char *step, i64 error) {
  append(append(append(at, end, step), end, ": "), end, errno_text(error));
}

static void fail(const char *sentence, const char *detail, const char *help) {
  const char *const all[] = {sentence, detail, 0};
  end_with(EXIT_LAUNCHER, "BH_ERR_LAUNCHER", all, help);
}

#endif
