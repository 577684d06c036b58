/* Computed jumps: a dense switch (tbb, tbh or a load of pc) and a table of functions. */
#include "runtime/linux.h"

static int step(int op, int a) {
  switch (op) {
    case 0: return a + 7;
    case 1: return a * 3;
    case 2: return a - 11;
    case 3: return a ^ 0x55;
    case 4: return a << 1;
    case 5: return a >> 1;
    case 6: return -a;
    case 7: print_number(a); print(" "); return a;
    default: return 0;
  }
}

static int plus(int a, int b) { return a + b; }
static int minus(int a, int b) { return a - b; }
static int times(int a, int b) { return a * b; }
static int (*const table[])(int, int) = {plus, minus, times};

int main(void) {
  int a = 1;
  for (int i = 0; i < 64; i++) a = step((i * 5 + 3) & 7, a);
  print("\n");
  for (volatile int i = 0; i < 9; i++) a = table[i % 3](a & 0xff, i);
  print_line("last:", a);
  return 0;
}
