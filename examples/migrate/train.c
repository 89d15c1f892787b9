// Stands for the program of the example: says what it has found, and no value.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int main(int argc, char **argv) {
  const char *names[] = {"DB_PASSWORD", "DB_URL", "TEAM"};
  const char *files[] = {"/etc/db/password", "/etc/params/epochs", "/app/lr.txt"};
  printf("train %s\n", argc > 1 ? argv[1] : "");
  for (int i = 0; i < 3; i++) {
    const char *value = getenv(names[i]);
    printf("%s: %zu bytes\n", names[i], value ? strlen(value) : 0);
  }
  for (int i = 0; i < 3; i++) {
    struct stat is = {0};
    if (stat(files[i], &is)) printf("%s: not there\n", files[i]);
    else printf("%s: %ld bytes, mode %04o\n", files[i], (long)is.st_size, is.st_mode & 07777);
  }
  return 0;
}
