/* What the child cannot do for the program, because it is another process: mounts and namespaces.
 * One SOCK_SEQPACKET message is one request {u32 operation, fields}; the answer is one i32, an
 * errno number or 0. Numbers are little endian, strings end in NUL, and the message ends with its
 * last field; anything else is EINVAL. */
#ifndef BELLHOP_REQUESTS_H
#define BELLHOP_REQUESTS_H
#include "text.h"

enum { ASK_MOUNT = 1, ASK_UNMOUNT = 2, ASK_NAMESPACES = 3, ASK_TRIAL = 4, ASK_ROOT = 5 };
enum { REQUEST_BYTES_MAX = 16384, TRIAL_STACK_BYTES = 4096 };
#define MAPS_BY_CHILD 0xffffffffu

struct cursor { const u8 *at, *end; int bad; };

static u32 take_u32(struct cursor *in) {
  u32 value = 0;
  if (in->end - in->at < 4) { in->bad = 1; return 0; }
  for (int i = 0; i < 4; i++) value |= (u32)in->at[i] << (8 * i);
  in->at += 4;
  return value;
}

static u64 take_u64(struct cursor *in) {
  u64 low = take_u32(in);
  return low | (u64)take_u32(in) << 32;
}

static const char *take_string(struct cursor *in) {
  const char *text = (const char *)in->at;
  while (in->at < in->end)
    if (*in->at++ == 0) return text;
  in->bad = 1;
  return "";
}

static i64 write_proc(const char *path, const char *text) {
  i64 fd = sys3(SYS_openat, AT_CWD, path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return fd;
  i64 n = sys3(SYS_write, fd, text, length(text));
  sys1(SYS_close, fd);
  return n < 0 ? n : 0;
}

static i64 write_map(const char *path, u32 inside, u32 outside) {
  char text[64], *end = text + sizeof text - 1;
  char *at = append_number(text, end, inside);
  at = append_number(append(at, end, " "), end, outside);
  append(at, end, " 1");
  return write_proc(path, text);
}

/* Root keeps its user namespace: a program must not find itself in another one without need. Who
 * may map more than itself does so from outside, which we are not any more: MAPS_BY_CHILD. */
static i64 enter_namespaces(u32 uid, u32 gid) {
  u32 outer_uid = (u32)sys0(SYS_geteuid), outer_gid = (u32)sys0(SYS_getegid);
  i64 error = sys1(SYS_unshare, CLONE_NEWNS);
  if (error == -E_PERM) error = sys1(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS);
  else uid = MAPS_BY_CHILD;
  if (uid != MAPS_BY_CHILD) {
    /* Without this the kernel lets nobody unprivileged map a group (user_namespaces(7)). */
    if (!error) error = write_proc("/proc/self/setgroups", "deny");
    if (!error) error = write_map("/proc/self/uid_map", uid, outer_uid);
    if (!error) error = write_map("/proc/self/gid_map", gid, outer_gid);
  }
  if (!error) error = sys5(SYS_mount, "none", "/", 0, MS_REC_PRIVATE, 0);
  return error;
}

static void trial(void) { quit((int)-enter_namespaces(MAPS_BY_CHILD, 0)); }

/* Whether namespaces are granted with the rights that belong to them: a process that entered one
 * without them (AppArmor's rule for user namespaces) could never come back. */
static i64 try_namespaces(void) {
  static u8 stack[TRIAL_STACK_BYTES] __attribute__((aligned(16)));
  int status = 0;
  i64 pid = clone_on(CLONE_VM | CLONE_VFORK, stack + sizeof stack, 0, trial);
  if (pid < 0) return pid;
  i64 ended = sys4(SYS_wait4, pid, &status, W_ALL, 0);
  return ended < 0 || status & 127 ? -E_PERM : -(i64)(status >> 8 & 255);
}

/* `root` is a mount point of our namespace. The old root is put on top of the new one and taken off
 * (pivot_root(2)); from an initramfs, which cannot be moved, only chroot leads away. */
static i64 enter_root(const char *root) {
  i64 error = sys1(SYS_chdir, root);
  if (!error) error = sys2(SYS_pivot_root, ".", ".");
  if (!error) error = sys2(SYS_umount2, ".", MNT_DETACH);
  else if (error == -E_INVAL) error = sys1(SYS_chroot, ".");
  return error ? error : sys1(SYS_chdir, "/");
}

static i64 carry_out(struct cursor *in) {
  u32 operation = take_u32(in);
  if (operation == ASK_MOUNT) {
    u64 flags = take_u64(in);
    const char *source = take_string(in), *target = take_string(in);
    const char *type = take_string(in), *data = take_string(in);
    if (in->bad || in->at != in->end) return -E_INVAL;
    return sys5(SYS_mount, source, target, type, flags, data);
  }
  if (operation == ASK_UNMOUNT) {
    u32 flags = take_u32(in);
    const char *target = take_string(in);
    if (in->bad || in->at != in->end) return -E_INVAL;
    return sys2(SYS_umount2, target, flags);
  }
  if (operation == ASK_NAMESPACES) {
    u32 uid = take_u32(in), gid = take_u32(in);
    if (in->bad || in->at != in->end) return -E_INVAL;
    return enter_namespaces(uid, gid);
  }
  if (operation == ASK_TRIAL) return in->bad || in->at != in->end ? -E_INVAL : try_namespaces();
  if (operation == ASK_ROOT) {
    const char *root = take_string(in);
    if (in->bad || in->at != in->end) return -E_INVAL;
    return enter_root(root);
  }
  return -E_INVAL;
}

/* Returns 0 when the other end is closed. */
static int serve_request(int socket) {
  static u8 message[REQUEST_BYTES_MAX];
  i64 n = sys6(SYS_recvfrom, socket, L(message), sizeof message, MSG_TRUNC | MSG_DONTWAIT, 0, 0);
  if (n == -E_INTR || n == -E_AGAIN) return 1;
  if (n <= 0) return 0;
  struct cursor in = {message, message + n, 0};
  i64 error = n > REQUEST_BYTES_MAX ? -E_INVAL : carry_out(&in);
  int answer = error < 0 ? (int)-error : 0;
  sys6(SYS_sendto, socket, L(&answer), sizeof answer, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
  return 1;
}

#endif
