/* Deeper than Frida's 1023 shadow frames: 5,000 frames, all from one call site, then the same through two sites. */
#include "runtime/linux.h"

static int descend(int n) { return n == 0 ? 0 : 1 + descend(n - 1); }

static int odd(int n);
static int even(int n) { return n == 0 ? 1 : 1 + odd(n - 1); }
static int odd(int n) { return n == 0 ? 0 : 1 + even(n - 1); }

int main(int argc, char **argv) {
  int n = argc > 1 ? parse_number(argv[1]) : 5000;
  print_line("one site:", descend(n));
  print_line("two sites:", even(n));
  return 0;
}
