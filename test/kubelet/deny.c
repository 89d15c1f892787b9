// `deny CALL PROGRAM …` starts a program to which a system call answers EPERM: `unshare` as under the
// profiles of container runtimes, `mount` as where AppArmor takes the rights out of user namespaces.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv) {
  int call = argc > 1 && strcmp(argv[1], "mount") == 0 ? SYS_mount : SYS_unshare;
  struct sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
  if (argc < 3) return 64;
  // Without no_new_privs, which the program would see, this takes CAP_SYS_ADMIN.
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 71;
  execv(argv[2], argv + 2);
  return 127;
}
