/* The library's string routines and number formatting; argv[1] rounds of a few thousand operations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  int size = argc > 1 ? atoi(argv[1]) : 1;
  static char text[1 << 15], line[256];
  unsigned check = 0;
  for (int round = 0; round < size; round++) {
    char *at = text;
    for (int i = 0; at < text + sizeof text - sizeof line; i++)
      at += snprintf(at, sizeof line, "%d:%s=%x;", i, i % 3 ? "alpha" : "beta", round * 7919 + i);
    for (char *p = text; (p = strchr(p, ';')) != NULL; p++) check++;
    for (char *p = text; (p = strstr(p, "beta")) != NULL; p += 4) check += p[5];
    for (char *p = strtok(text, ";"); p; p = strtok(NULL, ";")) {
      strcpy(line, p);
      check = check * 31 + strlen(line) + (strcmp(line, "5000") > 0) + strtoul(strchr(line, '=') + 1, NULL, 16);
      memmove(line + 3, line, 100);
    }
  }
  printf("%u\n", check);
  return 0;
}
