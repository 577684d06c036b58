/* Standard input to standard output, then the number of bytes as exit code (modulo 256). */
#include "runtime/linux.h"

int main(void) {
  static char buffer[512];
  int total = 0;
  for (;;) {
    int got = SYS(read, 0, buffer, sizeof buffer);
    if (got <= 0) break;
    SYS(write, 1, buffer, got);
    total += got;
  }
  return total & 255;
}
