// Stands in for `bellhop run` where the judge itself is judged: delivers the volume of the vector
// secret-all-keys at /etc/creds, by a tmpfs where it may mount and else by a link into memory, and
// becomes /probe. The word given by -DDEFECT makes one mistake.
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef DEFECT
#define DEFECT 0
#endif
#define AT "/etc/creds/"
#define STAMP "..2026_01_02_03_04_05.678"
#define MEMORY "/dev/shm/bellhop-0"

static const char *keys[][2] = {
    {"KEY-1", "k"}, {"empty", ""}, {"password", "p\n"}, {"tls.crt", "CERT"}, {"username", "admin"}};

int main(void) {
  char path[256], target[256];
  umask(0);
  mkdir("/etc/creds", 0755);
  int mounted = mount("none", "/etc/creds", "tmpfs", 0, "mode=1777") == 0;
  chmod("/etc/creds", 01777);
  if (mounted) mkdir(AT STAMP, 0755);
  else {
    mkdir(MEMORY, 0755);
    mkdir(MEMORY "/volume", 0755);
    symlink(MEMORY "/volume", AT STAMP);
  }
  for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
    snprintf(path, sizeof path, AT STAMP "/%s", keys[i][0]);
    FILE *file = fopen(path, "w");
    fputs(keys[i][1], file);
    fclose(file);
    chmod(path, DEFECT && i == 2 ? 0600 : 0644);
    snprintf(path, sizeof path, AT "%s", keys[i][0]);
    snprintf(target, sizeof target, "..data/%s", keys[i][0]);
    symlink(target, path);
  }
  umask(022);
  symlink(STAMP, AT "..data");
  if (mounted) mount("", "/etc/creds", "", MS_REMOUNT | MS_RDONLY, "");
  return execl("/probe", "/probe", (char *)0);
}
