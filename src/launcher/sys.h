/* System calls without libc, for x86-64 and aarch64: numbers, registers and the kernel's structs.
 * The *at and p* variants are used throughout because aarch64 has no others. */
#ifndef BELLHOP_SYS_H
#define BELLHOP_SYS_H

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long i64;

#if defined(__x86_64__)
enum {
  SYS_read = 0, SYS_close = 3, SYS_lseek = 8, SYS_mmap = 9, SYS_rt_sigaction = 13, SYS_rt_sigprocmask = 14,
  SYS_write = 1, SYS_getpid = 39, SYS_sendto = 44, SYS_recvfrom = 45, SYS_socketpair = 53,
  SYS_clone = 56, SYS_execve = 59, SYS_wait4 = 61, SYS_kill = 62, SYS_fcntl = 72, SYS_getcwd = 79,
  SYS_chdir = 80, SYS_umask = 95, SYS_geteuid = 107, SYS_getegid = 108, SYS_getppid = 110,
  SYS_setgroups = 116, SYS_setresuid = 117, SYS_setresgid = 119, SYS_capget = 125,
  SYS_capset = 126, SYS_rt_sigpending = 127, SYS_rt_sigtimedwait = 128,
  SYS_rt_sigqueueinfo = 129, SYS_fstatfs = 138, SYS_pivot_root = 155, SYS_prctl = 157,
  SYS_chroot = 161, SYS_mount = 165,
  SYS_umount2 = 166, SYS_clock_gettime = 228, SYS_exit_group = 231, SYS_openat = 257,
  SYS_readlinkat = 267, SYS_ppoll = 271, SYS_waitid = 247, SYS_unshare = 272, SYS_prlimit64 = 302,
  SYS_memfd_create = 319, SYS_munmap = 11, SYS_madvise = 28, SYS_socket = 41, SYS_connect = 42,
  SYS_shutdown = 48, SYS_bind = 49, SYS_listen = 50, SYS_setsockopt = 54, SYS_getsockopt = 55,
  SYS_setsid = 112, SYS_mkdirat = 258, SYS_unlinkat = 263, SYS_fchmodat = 268, SYS_accept4 = 288,
  SYS_pipe2 = 293, SYS_statx = 332
};
#define O_DIRECTORY 0200000
#elif defined(__aarch64__)
enum {
  SYS_getcwd = 17, SYS_fcntl = 25, SYS_umount2 = 39, SYS_mount = 40, SYS_pivot_root = 41,
  SYS_fstatfs = 44,
  SYS_chdir = 49, SYS_chroot = 51, SYS_openat = 56, SYS_close = 57, SYS_lseek = 62,
  SYS_read = 63, SYS_write = 64, SYS_ppoll = 73, SYS_readlinkat = 78, SYS_capget = 90, SYS_capset = 91,
  SYS_exit_group = 94, SYS_waitid = 95, SYS_unshare = 97, SYS_clock_gettime = 113, SYS_kill = 129,
  SYS_rt_sigaction = 134, SYS_rt_sigprocmask = 135, SYS_rt_sigpending = 136,
  SYS_rt_sigtimedwait = 137, SYS_rt_sigqueueinfo = 138, SYS_setresuid = 147, SYS_setresgid = 149,
  SYS_setgroups = 159, SYS_umask = 166, SYS_prctl = 167, SYS_getpid = 172, SYS_getppid = 173,
  SYS_geteuid = 175, SYS_getegid = 177, SYS_socketpair = 199, SYS_sendto = 206,
  SYS_recvfrom = 207, SYS_clone = 220, SYS_execve = 221, SYS_mmap = 222, SYS_wait4 = 260,
  SYS_prlimit64 = 261, SYS_memfd_create = 279, SYS_mkdirat = 34, SYS_unlinkat = 35,
  SYS_fchmodat = 53, SYS_pipe2 = 59, SYS_setsid = 157, SYS_socket = 198, SYS_bind = 200,
  SYS_listen = 201, SYS_connect = 203, SYS_setsockopt = 208, SYS_getsockopt = 209,
  SYS_shutdown = 210, SYS_munmap = 215, SYS_madvise = 233, SYS_accept4 = 242, SYS_statx = 291
};
#define O_DIRECTORY 040000
#else
#error "bellhop's launcher knows x86-64 and aarch64 only"
#endif

/* The same number on both machines. */
enum { SYS_pidfd_open = 434, SYS_close_range = 436 };

static inline i64 sys6(i64 nr, i64 a, i64 b, i64 c, i64 d, i64 e, i64 f) {
#if defined(__x86_64__)
  register i64 r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  i64 result;
  __asm__ volatile("syscall" : "=a"(result)
                   : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#else
  register i64 x8 __asm__("x8") = nr, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
  register i64 x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e;
  register i64 x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
  return x0;
#endif
}
#define L(x) ((i64)(x))

/* Out of line and with the number last, where the arguments stand right already: a third of the
 * size of the same inline, at 130 places. */
#define CALL __attribute__((noinline, noclone, unused)) static i64
CALL call1(i64 a, i64 nr) {
#if defined(__x86_64__)
  i64 result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a) : "rcx", "r11", "memory");
  return result;
#else
  register i64 x8 __asm__("x8") = nr, x0 __asm__("x0") = a;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8) : "memory", "cc");
  return x0;
#endif
}
CALL call3(i64 a, i64 b, i64 c, i64 nr) {
#if defined(__x86_64__)
  i64 result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(nr), "D"(a), "S"(b), "d"(c)
                   : "rcx", "r11", "memory");
  return result;
#else
  register i64 x8 __asm__("x8") = nr, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
  register i64 x2 __asm__("x2") = c;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory", "cc");
  return x0;
#endif
}
CALL call5(i64 a, i64 b, i64 c, i64 d, i64 e, i64 nr) { return sys6(nr, a, b, c, d, e, 0); }
#define sys0(n) call1(0, n)
#define sys1(n, a) call1(L(a), n)
#define sys2(n, a, b) call3(L(a), L(b), 0, n)
#define sys3(n, a, b, c) call3(L(a), L(b), L(c), n)
#define sys4(n, a, b, c, d) call5(L(a), L(b), L(c), L(d), 0, n)
#define sys5(n, a, b, c, d, e) call5(L(a), L(b), L(c), L(d), L(e), n)

/* clone on a stack of its own: the child shares our memory until its execve, so it must not write
 * into the frame that the parent goes on with. `run` never returns. */
static inline i64 clone_on(u64 flags, void *stack_top, int *pidfd, void (*run)(void)) {
#if defined(__x86_64__)
  i64 result;
  register i64 r10 __asm__("r10") = 0, r8 __asm__("r8") = 0;
  __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\txor %%ebp, %%ebp\n\t"
                   "call *%[run]\n\tud2\n1:"
                   : "=a"(result)
                   : "a"(L(SYS_clone)), "D"(flags), "S"(stack_top), "d"(pidfd), "r"(r10), "r"(r8),
                     [run] "b"(run)
                   : "rcx", "r11", "memory", "cc");
  return result;
#else
  register i64 x8 __asm__("x8") = SYS_clone, x0 __asm__("x0") = L(flags);
  register i64 x1 __asm__("x1") = L(stack_top), x2 __asm__("x2") = L(pidfd);
  register i64 x3 __asm__("x3") = 0, x4 __asm__("x4") = 0;
  register i64 x9 __asm__("x19") = L(run);
  __asm__ volatile("svc #0\n\tcbnz x0, 1f\n\tmov x29, #0\n\tblr x19\n\tbrk #0\n1:"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x9)
                   : "x30", "memory", "cc");
  return x0;
#endif
}

enum {
  E_PERM = 1, E_NOENT = 2, E_INTR = 4, E_AGAIN = 11, E_ACCES = 13, E_TOOBIG = 7, E_NOTDIR = 20, E_INVAL = 22,
  E_NOSYS = 38, E_NODEV = 19, E_TIMEDOUT = 110, E_STALE = 116,
  E_NOFAMILY = 97, E_ADDRINUSE = 98, E_ADDRNOTAVAIL = 99, E_NOBUFS = 105,
  E_NOTCONN = 107, E_REFUSED = 111, E_INPROGRESS = 115
};
enum { SIG_HUP = 1, SIG_INT = 2, SIG_QUIT = 3, SIG_KILL = 9, SIG_TERM = 15, SIG_CHLD = 17 };
enum { SIGNALS = 64, SIG_DFL = 0, SIG_IGN = 1, SET_MASK = 2, SA_RESTORER = 0x04000000 };
enum { LIMIT_FSIZE = 1, LIMIT_CORE = 4, LIMIT_NOFILE = 7, LIMITS = 16 };
enum { O_RDWR = 2, O_WRONLY = 1, O_CLOEXEC = 02000000, O_TMPFILE = 020000000 | O_DIRECTORY };
enum { F_GETFD = 1, F_SETFD = 2, F_DUPFD_CLOEXEC = 1030, SEEK_END = 2 };
enum { PROT_READ = 1, PROT_WRITE = 2, MAP_PRIVATE = 2, MAP_ANONYMOUS = 32, MAP_NORESERVE = 0x4000,
       MADV_DONTNEED = 4, AT_CWD = -100 };
enum { AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10, SOCK_STREAM = 1, SOCK_DGRAM = 2,
       SOCK_NONBLOCK = 04000, SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_ERROR = 4, SO_RCVBUF = 8,
       SO_RCVBUFFORCE = 33, SO_MEMINFO = 55, IPPROTO_IPV6 = 41, IPV6_V6ONLY = 26 };
enum { SOCK_SEQPACKET = 5, SOCK_CLOEXEC = O_CLOEXEC, MSG_TRUNC = 32,
       MSG_DONTWAIT = 64, MSG_NOSIGNAL = 0x4000 };
enum { POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16, W_NOHANG = 1, W_EXITED = 4,
       W_NOWAIT = 0x01000000, W_ALL = 0x40000000 };
#define W_CLONE 0x80000000ul /* __WCLONE: a child without exit signal */
enum { PR_SET_PDEATHSIG = 1, PR_SET_DUMPABLE = 4, PR_SET_NAME = 15, PR_CAPBSET_READ = 23, PR_CAPBSET_DROP = 24 };
enum { PR_SET_NO_NEW_PRIVS = 38 };
enum { MFD_CLOEXEC = 1, MFD_NOEXEC_SEAL = 8, TMPFS_MAGIC = 0x01021994 };
#define CLONE_VM 0x100ul
#define CLONE_PIDFD 0x1000ul
#define CLONE_VFORK 0x4000ul
#define CLONE_NEWNS 0x20000ul
#define CLONE_NEWUSER 0x10000000ul
enum { MNT_DETACH = 2 };
#define MS_REC_PRIVATE (16384ul | (1ul << 18))
#define NO_LIMIT (~0ul)

struct limit { u64 soft, hard; };
struct pollfd { int fd; short events, revents; };
struct timespec { i64 seconds, nanoseconds; };
struct sigaction_kernel { u64 handler, flags, restorer, mask; };
struct siginfo { int number, error, code, pad, pid, rest[27]; };
struct cap_header { u32 version; int pid; };
struct cap_data { u32 effective, permitted, inheritable; };

#endif
