/* The last phase: this process becomes what the exec document says. */
#ifndef BELLHOP_BECOME_H
#define BELLHOP_BECOME_H
#include "document.h"

enum { EXIT_NOT_ALLOWED = 126, EXIT_NOT_FOUND = 127 };

/* TypeScript rendered the report; `{{why}}` in it becomes `step: ERRNAME (number)`, which no
 * format needs to escape. */
static void write_report(const char *text, const char *why) {
  const char *from = text;
  for (; *text; text++) {
    if (!starts_with(text, "{{why}}")) continue;
    write_all(2, from, (u64)(text - from));
    write_all(2, why, length(why));
    from = text + 7;
    text += 6;
  }
  write_all(2, from, (u64)(text - from));
}

static void report(enum tag which, const char *step, i64 error) {
  char why[128], *end = why + sizeof why - 1;
  append_failure(why, end, step, error);
  block_all_signals();
  write_report(document.text[which], why);
  quit(which == TAG_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_NOT_ALLOWED);
}

static void must(i64 result, const char *step) {
  if (result < 0) report(TAG_OTHER, step, -result);
}

/* Taking a capability from the inheritable set takes it from the ambient set too. What is not
 * there, or not known to this kernel, needs no dropping. */
static void drop_capabilities(void) {
  struct cap_header header = {0x20080522 /* _LINUX_CAPABILITY_VERSION_3 */, 0};
  struct cap_data data[2] = {{0, 0, 0}, {0, 0, 0}};
  if (document.drop_caps == 0) return;
  for (u32 n = 0; n < CAPABILITIES_MAX; n++) {
    if (!(document.drop_caps >> n & 1)) continue;
    if (sys2(SYS_prctl, PR_CAPBSET_READ, n) == 1)
      must(sys2(SYS_prctl, PR_CAPBSET_DROP, n), "drop capability");
  }
  must(sys2(SYS_capget, &header, data), "capget");
  u32 low = data[0].inheritable, high = data[1].inheritable;
  data[0].inheritable &= ~(u32)document.drop_caps;
  data[1].inheritable &= ~(u32)(document.drop_caps >> 32);
  if (low != data[0].inheritable || high != data[1].inheritable)
    must(sys2(SYS_capset, &header, data), "capset");
}

static i64 set_groups(void) {
  static u32 groups[GROUPS_MAX];
  struct cursor in = {document.groups, document.groups + 4 * document.group_count, 0};
  for (u64 i = 0; i < document.group_count; i++) groups[i] = take_u32(&in);
  return sys2(SYS_setgroups, document.group_count, groups);
}

/* Returns the step that failed, with its error. */
static const char *change_ids(i64 *error) {
  u32 uid = document.number[TAG_UID], gid = document.number[TAG_GID];
  *error = document.seen[TAG_GROUPS] ? set_groups() : 0;
  if (*error) return "setgroups";
  if (document.seen[TAG_GID]) *error = sys3(SYS_setresgid, gid, gid, gid);
  if (*error) return "setresgid";
  if (document.seen[TAG_UID]) *error = sys3(SYS_setresuid, uid, uid, uid);
  return "setresuid";
}

static void set_limits(void) {
  for (u32 which = 0; which < LIMITS; which++)
    if (document.limits_set >> which & 1)
      must(sys4(SYS_prlimit64, 0, which, &document.limits[which], 0), "setrlimit");
}

/* As runc: a directory that only root can enter is entered first, one that only the program's user
 * can enter (root without CAP_DAC_OVERRIDE, NFS) after the ids have changed. */
static void start_relay(void);         /* relay.h */
static void relay_main(int ready);

static void take_on_identity(void) {
  const char *cwd = document.text[TAG_CWD];
  if (document.seen[TAG_ROOT]) {
    must(sys1(SYS_chroot, document.text[TAG_ROOT]), "chroot");
    must(sys1(SYS_chdir, "/"), "chdir");
  }
  /* Here, where the root is the program's and the rights are still ours. */
  if (document.seen[TAG_RELAY]) start_relay();
  set_limits();
  drop_capabilities();
  i64 entered = cwd ? sys1(SYS_chdir, cwd) : 0;
  i64 error;
  const char *step = change_ids(&error);
  must(error, step);
  if (entered < 0) must(sys1(SYS_chdir, cwd), "chdir");
  if (document.seen[TAG_UMASK]) sys1(SYS_umask, document.number[TAG_UMASK]);
  if (document.seen[TAG_NO_NEW_PRIVS])
    must(sys5(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

static i64 try_execve(const char *path) {
  return -sys3(SYS_execve, path, document.argv, document.envp);
}

/* These say "not here"; anything else ends the search (as glibc's execvpe, without its shell
 * fallback for ENOEXEC: runc has none either). */
static int goes_on(i64 error) {
  return error == E_NOENT || error == E_NOTDIR || error == E_NODEV || error == E_STALE ||
         error == E_TIMEDOUT || error == E_ACCES;
}

/* Returns the errno that says why nothing was started. */
static i64 look_up(const char *program, const char *path) {
  char full[PATH_BYTES_MAX];
  u64 name_bytes = length(program);
  int denied = 0;
  if (name_bytes == 0) return E_NOENT;
  for (const char *c = program; *c; c++)
    if (*c == '/') return try_execve(program);
  for (;;) {
    const char *end = path;
    while (*end && *end != ':') end++;
    u64 bytes = (u64)(end - path);
    if (bytes + 1 + name_bytes < sizeof full) { /* a longer one cannot exist: ENAMETOOLONG */
      memcpy(full, path, bytes);
      if (bytes > 0) full[bytes++] = '/';
      memcpy(full + bytes, program, name_bytes + 1);
      i64 error = try_execve(full);
      if (error == E_ACCES) denied = 1;
      if (!goes_on(error)) return error;
    }
    if (*end == 0) return denied ? E_ACCES : E_NOENT;
    path = end + 1;
  }
}

/* Never returns. A relay without a program is `bellhop relay`: this process is the relay. */
static void become(void) {
  if (document.seen[TAG_QUIT]) {
    if (document.seen[TAG_RELAY]) relay_main(2);
    quit((int)document.number[TAG_QUIT]);
  }
  take_on_identity();
  i64 error = look_up(document.text[TAG_PROGRAM], document.text[TAG_PATH]);
  if (error == E_NOENT || error == E_NOTDIR) report(TAG_NOT_FOUND, "execve", error);
  if (error == E_ACCES) report(TAG_NOT_ALLOWED, "execve", error);
  report(TAG_OTHER, "execve", error);
}

#endif
