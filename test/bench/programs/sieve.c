/* Sieve of Eratosthenes over 64 KiB segments, argv[1] times. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  int size = argc > 1 ? atoi(argv[1]) : 1;
  static unsigned char composite[65536];
  unsigned count = 0;
  for (int round = 0; round < size; round++) {
    memset(composite, 0, sizeof composite);
    for (unsigned i = 2; i < sizeof composite; i++) {
      if (composite[i]) continue;
      count += i ^ round;
      for (unsigned j = i * 2; j < sizeof composite; j += i) composite[j] = 1;
    }
  }
  printf("%u\n", count);
  return 0;
}
