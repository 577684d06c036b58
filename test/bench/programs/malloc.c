/* Heap churn: a thousand live blocks of mixed sizes, argv[1] thousand replacements. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  int size = argc > 1 ? atoi(argv[1]) : 1;
  static unsigned char *blocks[1000];
  unsigned seed = 1, check = 0;
  for (int i = 0; i < size * 1000; i++) {
    seed = seed * 1664525u + 1013904223u;
    unsigned at = (seed >> 8) % 1000, bytes = seed >> 28 ? (seed >> 18) % 200 + 1 : (seed >> 12) % 20000 + 1;
    if (blocks[at]) check = check * 31 + blocks[at][0];
    free(blocks[at]);
    blocks[at] = malloc(bytes);
    memset(blocks[at], i, bytes < 32 ? bytes : 32);
  }
  printf("%u\n", check);
  return 0;
}
