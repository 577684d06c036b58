/* Frames that never return: a jump over seven of them, twice, and calls afterwards whose depth must be right again. */
#include "runtime/linux.h"

static jump_point home;

static int fall(int n) {
  if (n == 0) throw_jump(home, 42);
  return fall(n - 1) + 1;
}

static int square(int n) { return n * n; }

int main(void) {
  volatile int round = 0;
  int thrown = catch_jump(home);
  round = round + 1;
  if (round <= 2) {
    print_line("caught:", thrown);
    return fall(6);
  }
  print_line("after the jumps:", square(thrown));
  return 0;
}
