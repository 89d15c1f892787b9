// Prints, as one line of JSON, everything a program can see of how it was started and of what was
// delivered to it. Static and without locale: it runs in an empty image, under any name, as any
// user, with any arguments. These arguments also act:
//   probe:write=PATH=TEXT   writes TEXT to PATH before looking
//   probe:sleep=SECONDS     sleeps after printing
//   probe:exit=N            the exit status
// A file /bellhop-input/probe-paths holds NUL-terminated words: `+PATH` is listed as if it were a
// mount, so that trees can be compared where nothing could be mounted; `-PATH` is a mount of the
// test's own that is left out. For a path listed so, and for a link into /dev/shm, what the link
// points to is listed, and the link itself as "link".
// build: cc -std=gnu11 -O2 -static -s -o probe probe.c
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

enum { INLINE_MAX = 4096, MOUNTS_MAX = 512, FOLLOWED_MAX = 2, FDS_MAX = 1024 };
static const char PROBE_PATHS[] = "/bellhop-input/probe-paths";
extern char **environ;
typedef unsigned char u8;

// --- SHA-256 (FIPS 180-4); the constants are computed, as the standard defines them
static uint32_t K[64], H0[8];

static uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }

// the first 32 bits of the fraction of p's square or cube root, by integer search
static uint32_t frac_root(int p, int cube) {
  unsigned __int128 target = (unsigned __int128)p << (cube ? 96 : 64);
  uint64_t lo = 0, hi = (uint64_t)1 << 40;
  while (hi - lo > 1) {
    uint64_t m = lo + (hi - lo) / 2;
    unsigned __int128 q = (unsigned __int128)m * m;
    if (cube ? q > target / m : q > target) hi = m;
    else lo = m;
  }
  return (uint32_t)lo;
}

static int is_prime(int p) {
  for (int d = 2; d * d <= p; d++) if (p % d == 0) return 0;
  return 1;
}

static void sha_init(void) {
  for (int p = 2, n = 0; n < 64; p++) {
    if (!is_prime(p)) continue;
    K[n] = frac_root(p, 1);
    if (n < 8) H0[n] = frac_root(p, 0);
    n++;
  }
}

static uint32_t big_endian(const u8 *b) {
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void sha_block(uint32_t *h, const u8 *b) {
  uint32_t w[64], v[8];
  memcpy(v, h, 32);
  for (int i = 0; i < 16; i++) w[i] = big_endian(b + 4 * i);
  for (int i = 16; i < 64; i++) {
    uint32_t s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  for (int i = 0; i < 64; i++) {
    uint32_t s1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
    uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + K[i] + w[i];
    uint32_t s0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
    uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    memmove(v + 1, v, 28);
    v[4] += t1;
    v[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) h[i] += v[i];
}

static void sha_hex(const u8 *p, size_t n, char *out) {
  uint32_t h[8];
  u8 tail[128] = {0};
  size_t full = n / 64 * 64, rest = n - full, len = rest < 56 ? 64 : 128;
  memcpy(h, H0, 32);
  for (size_t i = 0; i < full; i += 64) sha_block(h, p + i);
  memcpy(tail, p + full, rest);
  tail[rest] = 0x80;
  for (int i = 0; i < 8; i++) tail[len - 1 - i] = (u8)((uint64_t)n * 8 >> (8 * i));
  for (size_t i = 0; i < len; i += 64) sha_block(h, tail + i);
  for (int i = 0; i < 8; i++) sprintf(out + 8 * i, "%08x", h[i]);
}

// --- JSON
static int utf8(const u8 *s, size_t n) {
  for (size_t i = 0; i < n;) {
    u8 c = s[i];
    int more = c < 0x80 ? 0
             : c >= 0xC2 && c <= 0xDF ? 1
             : (c & 0xF0) == 0xE0 ? 2
             : c >= 0xF0 && c <= 0xF4 ? 3 : -1;
    if (more < 0 || i + more >= n) return 0;
    for (int j = 1; j <= more; j++) if ((s[i + j] & 0xC0) != 0x80) return 0;
    if ((c == 0xE0 && s[i + 1] < 0xA0) || (c == 0xED && s[i + 1] > 0x9F)) return 0;
    if ((c == 0xF0 && s[i + 1] < 0x90) || (c == 0xF4 && s[i + 1] > 0x8F)) return 0;
    i += more + 1;
  }
  return 1;
}

static void base64(const u8 *s, size_t n) {
  static const char A[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  putchar('"');
  for (size_t i = 0; i < n; i += 3) {
    uint32_t v = s[i] << 16 | (i + 1 < n ? s[i + 1] << 8 : 0) | (i + 2 < n ? s[i + 2] : 0);
    putchar(A[v >> 18]);
    putchar(A[v >> 12 & 63]);
    putchar(i + 1 < n ? A[v >> 6 & 63] : '=');
    putchar(i + 2 < n ? A[v & 63] : '=');
  }
  putchar('"');
}

// a string, or {"base64": "..."} when it is not UTF-8
static void bytes(const void *p, size_t n) {
  const u8 *s = p;
  if (!utf8(s, n)) {
    printf("{\"base64\":");
    base64(s, n);
    putchar('}');
    return;
  }
  putchar('"');
  for (size_t i = 0; i < n; i++) {
    if (s[i] == '"' || s[i] == '\\') printf("\\%c", s[i]);
    else if (s[i] < 32) printf("\\u%04x", s[i]);
    else putchar(s[i]);
  }
  putchar('"');
}

static void member(const char *key, const char *s) {
  printf("\"%s\":", key);
  bytes(s, strlen(s));
}

static u8 *slurp(const char *path, size_t *n) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  size_t cap = 1 << 16, len = 0;
  u8 *b = malloc(cap);
  ssize_t r;
  while ((r = read(fd, b + len, cap - len)) > 0) {
    len += r;
    if (len == cap) b = realloc(b, cap *= 2);
  }
  close(fd);
  b[*n = len] = 0;
  return b;
}

// --- what is mounted where
static struct mount { char path[4096], opts[256], fstype[64]; int real; } M[MOUNTS_MAX];
static int mounts;

static void unescape(char *s) {
  char *o = s;
  for (; *s; s++) {
    if (*s == '\\' && s[1] && s[2] && s[3]) {
      *o++ = (s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0');
      s += 3;
    } else *o++ = *s;
  }
  *o = 0;
}

static int below(const char *p, const char *dir) {
  size_t n = strlen(dir);
  return !strncmp(p, dir, n) && (p[n] == '/' || !p[n]);
}

static int of_platform(const char *p) {
  static const char *files[] = {"/", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"};
  if (!strcmp(p, "/dev/shm")) return 0;
  for (int i = 0; i < 4; i++) if (!strcmp(p, files[i])) return 1;
  return below(p, "/proc") || below(p, "/sys") || below(p, "/dev");
}

static int mount_index(const char *p) {
  for (int i = 0; i < mounts; i++) if (!strcmp(M[i].path, p)) return i;
  return -1;
}

static void read_mounts(void) {
  size_t n;
  char *save, *dash;
  u8 *b = slurp("/proc/self/mountinfo", &n);
  if (!b) return;
  for (char *l = strtok_r((char *)b, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
    if (mounts == MOUNTS_MAX) return;
    struct mount *m = &M[mounts];
    // fields end at spaces only: of white space the kernel leaves \r, \v and \f as they are
    if (sscanf(l, "%*s %*s %*s %*[^ ] %4095[^ ] %255[^ ]", m->path, m->opts) != 2) continue;
    if (!(dash = strstr(l, " - "))) continue;
    sscanf(dash + 3, "%63s", m->fstype);
    unescape(m->path);
    m->real = 1;
    int seen = mount_index(m->path);   // the topmost of stacked mounts wins
    if (seen >= 0) M[seen] = *m;
    else mounts++;
  }
}

// the paths that the test wants listed, mounted or not, and those that are its own
static void read_probe_paths(void) {
  size_t n;
  struct stat st;
  u8 *b = slurp(PROBE_PATHS, &n);
  for (size_t i = 0; b && i < n && mounts < MOUNTS_MAX; i += strlen((char *)b + i) + 1) {
    const char *path = (char *)b + i + 1;
    int index = mount_index(path);
    if (b[i] == '-') {
      if (index >= 0) M[index] = M[--mounts];
      continue;
    }
    if (index >= 0 || lstat(path, &st)) continue;
    struct mount *m = &M[mounts++];
    memset(m, 0, sizeof *m);
    snprintf(m->path, sizeof m->path, "%s", path);
    snprintf(m->fstype, sizeof m->fstype, "none");
  }
}

static int by_path(const void *a, const void *b) {
  return strcmp(((struct mount *)a)->path, ((struct mount *)b)->path);
}

// --- one entry and everything below it
static void stat_members(struct stat *st) {
  mode_t m = st->st_mode;
  const char *type = S_ISDIR(m) ? "dir" : S_ISREG(m) ? "file" : S_ISLNK(m) ? "link"
                   : S_ISFIFO(m) ? "fifo" : S_ISSOCK(m) ? "socket" : S_ISCHR(m) ? "chr" : "blk";
  printf(",\"type\":\"%s\",\"mode\":\"%04o\"", type, m & 07777);
  printf(",\"uid\":%u,\"gid\":%u", st->st_uid, st->st_gid);
}

static void content(const char *abs, struct stat *st) {
  size_t n;
  char hex[65];
  u8 *b = slurp(abs, &n);
  printf(",\"size\":%lld", (long long)st->st_size);
  if (!b) {
    printf(",\"error\":\"%s\"", strerrorname_np(errno));
    return;
  }
  sha_hex(b, n, hex);
  printf(",\"sha256\":\"%s\"", hex);
  if (n < INLINE_MAX) {
    printf(",\"content\":");
    base64(b, n);
  }
  free(b);
}

static int visible(const struct dirent *d) {
  return strcmp(d->d_name, ".") && strcmp(d->d_name, "..");
}

static int by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static int followed;   // links that were followed to get here

static void entry(const char *abs, const char *rel, int top) {
  struct stat st, there;
  char link[4097] = "";
  if (lstat(abs, &st)) return;
  if (S_ISLNK(st.st_mode)) {
    ssize_t k = readlink(abs, link, 4096);
    link[k < 0 ? 0 : k] = 0;
  }
  int index = mount_index(abs);
  int wanted = (top && index >= 0 && !M[index].real) || !strncmp(link, "/dev/shm/", 9);
  int follow = *link && wanted && followed < FOLLOWED_MAX && !stat(abs, &there);
  if (follow) st = there;
  printf("%s{", top ? "" : ",");
  member("path", rel);
  stat_members(&st);
  int other = !top && index >= 0;   // listed under its own mount
  if (other) printf(",\"mountpoint\":true");
  if (*link) {
    putchar(',');
    member(follow ? "link" : "target", link);
  }
  if (S_ISREG(st.st_mode) && !other) content(abs, &st);
  struct dirent **list;
  int n = 0;
  if (S_ISDIR(st.st_mode) && !other && (n = scandir(abs, &list, visible, by_name)) < 0)
    printf(",\"error\":\"%s\"", strerrorname_np(errno));
  putchar('}');
  followed += follow;
  for (int i = 0; i < n; i++) {
    char a[8192], r[8192];
    snprintf(a, sizeof a, "%s/%s", strcmp(abs, "/") ? abs : "", list[i]->d_name);
    snprintf(r, sizeof r, "%s%s%s", top ? "" : rel, top ? "" : "/", list[i]->d_name);
    entry(a, r, 0);
  }
  followed -= follow;
}

// --- the parts of the answer
static void act_before(int argc, char **argv) {
  for (int i = 0; i < argc; i++) {
    if (strncmp(argv[i], "probe:write=", 12)) continue;
    char *path = strdup(argv[i] + 12), *text = strchr(path, '=');
    if (!text) continue;
    *text++ = 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0) {
      fprintf(stderr, "%s: %s\n", path, strerror(errno));
      continue;
    }
    if (write(fd, text, strlen(text)) < 0) perror(path);
    close(fd);
  }
}

static int act_after(int argc, char **argv) {
  int status = 0;
  for (int i = 0; i < argc; i++) {
    if (!strncmp(argv[i], "probe:sleep=", 12)) sleep(atoi(argv[i] + 12));
    if (!strncmp(argv[i], "probe:exit=", 11)) status = atoi(argv[i] + 11);
  }
  return status;
}

static int by_string(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }

static void print_env(void) {
  int n = 0;
  while (environ[n]) n++;
  char **e = malloc((n + 1) * sizeof *e);
  memcpy(e, environ, n * sizeof *e);
  qsort(e, n, sizeof *e, by_string);
  printf(",\"env\":[");
  for (int i = 0; i < n; i++) {
    char *eq = strchr(e[i], '=');
    printf("%s{\"name\":", i ? "," : "");
    bytes(e[i], eq ? (size_t)(eq - e[i]) : strlen(e[i]));
    printf(",\"value\":");
    if (eq) bytes(eq + 1, strlen(eq + 1));
    else printf("null");
    putchar('}');
  }
  printf("],");
}

static void print_process(mode_t um) {
  char cwd[4096] = "", host[256] = "", *s, *f;
  const char *want[] = {"SigBlk", "SigIgn", "NoNewPrivs"};
  gid_t groups[1024];
  size_t n;
  if (!getcwd(cwd, sizeof cwd)) snprintf(cwd, sizeof cwd, "?%s", strerrorname_np(errno));
  gethostname(host, 255);
  member("cwd", cwd);
  putchar(',');
  member("hostname", host);
  printf(",\"uid\":%u,\"euid\":%u", getuid(), geteuid());
  printf(",\"gid\":%u,\"egid\":%u,\"groups\":[", getgid(), getegid());
  int ng = getgroups(1024, groups);
  for (int i = 0; i < ng; i++) printf("%s%u", i ? "," : "", groups[i]);
  printf("],\"umask\":\"%04o\",\"pid\":%d", um, getpid());
  s = (char *)slurp("/proc/self/status", &n);
  for (int i = 0; i < 3; i++) {
    char v[64];
    if (!s || !(f = strstr(s, want[i]))) continue;
    sscanf(f + strlen(want[i]) + 1, "%63s", v);
    printf(",\"%s\":\"%s\"", want[i], v);
  }
}

static void print_fds(void) {
  const char *comma = "";
  printf(",\"fds\":[");
  for (int fd = 0; fd < FDS_MAX; fd++) {
    char p[64], t[4096];
    struct stat st;
    if (fstat(fd, &st)) continue;
    snprintf(p, sizeof p, "/proc/self/fd/%d", fd);
    ssize_t k = readlink(p, t, sizeof t - 1);
    t[k < 0 ? 0 : k] = 0;
    if (strchr(t, ':')) *strchr(t, ':') = 0;
    printf("%s{\"fd\":%d,\"tty\":%s,", comma, fd, isatty(fd) ? "true" : "false");
    printf("\"flags\":\"0%o\",", fcntl(fd, F_GETFL));
    member("target", t);
    putchar('}');
    comma = ",";
  }
  printf("]");
}

static void print_mount_head(struct mount *m, const char *comma) {
  printf("%s{", comma);
  member("path", m->path);
  putchar(',');
  member("fstype", m->fstype);
  putchar(',');
  member("options", m->opts);
}

static void print_parents(const char *path) {
  const char *comma = "";
  char *p = strdup(path);
  for (char *q = strchr(p + 1, '/'); q; q = strchr(q + 1, '/')) {
    struct stat st;
    *q = 0;
    if (!lstat(p, &st)) {
      printf("%s{", comma);
      member("path", p);
      stat_members(&st);
      if (mount_index(p) >= 0) printf(",\"mountpoint\":true");
      putchar('}');
      comma = ",";
    }
    *q = '/';
  }
  free(p);
}

static void print_mount(struct mount *m, const char *comma) {
  struct statfs fs;
  memset(&fs, 0, sizeof fs);
  statfs(m->path, &fs);
  print_mount_head(m, comma);
  printf(",\"magic\":\"0x%lx\",", (unsigned long)fs.f_type);
  printf("\"readOnly\":%s,", fs.f_flags & 1 ? "true" : "false");
  printf("\"sizeBytes\":%llu,", (unsigned long long)fs.f_blocks * fs.f_bsize);
  printf("\"parents\":[");
  print_parents(m->path);
  printf("],\"entries\":[");
  entry(m->path, ".", 1);
  printf("]}");
}

static void print_mounts(void) {
  const char *comma = "";
  qsort(M, mounts, sizeof *M, by_path);
  printf(",\"platformMounts\":[");
  for (int i = 0; i < mounts; i++) {
    if (!of_platform(M[i].path)) continue;
    print_mount_head(&M[i], comma);
    putchar('}');
    comma = ",";
  }
  printf("],\"mounts\":[");
  comma = "";
  for (int i = 0; i < mounts; i++) {
    if (of_platform(M[i].path)) continue;
    print_mount(&M[i], comma);
    comma = ",";
  }
  printf("]");
}

int main(int argc, char **argv) {
  static char out[1 << 20];
  size_t n;
  sha_init();
  read_mounts();
  read_probe_paths();
  mode_t um = umask(0);
  umask(um);
  act_before(argc, argv);
  setvbuf(stdout, out, _IOFBF, sizeof out);
  printf("{\"probe\":1,\"argv\":[");
  for (int i = 0; i < argc; i++) {
    if (i) putchar(',');
    bytes(argv[i], strlen(argv[i]));
  }
  printf("]");
  print_env();
  print_process(um);
  print_fds();
  print_mounts();
  u8 *hosts = slurp("/etc/hosts", &n);
  if (hosts) {
    printf(",\"etcHosts\":");
    bytes(hosts, n);
  }
  printf("}\n");
  fflush(stdout);
  return act_after(argc, argv);
}
