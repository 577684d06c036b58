/* Calls that become branches: the callee returns to its caller's caller. */
#include "runtime/linux.h"

static int leaf(int n) { return n * 3; }
static int middle(int n) { return leaf(n + 1); }
static int outer(int n) { return middle(n + 1); }
static int countdown(int n, int sum) { return n == 0 ? sum : countdown(n - 1, sum + n); }

int (*volatile through_pointer)(int) = outer;
static int indirect(int n) { return through_pointer(n); }

int main(void) {
  print_line("outer:", outer(1));
  print_line("countdown:", countdown(100, 0));
  print_line("indirect:", indirect(10));
  return 0;
}
