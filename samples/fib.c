/* Real recursion: fib(20) makes 21,891 calls of fib, at most 20 deep. The number is argv[1]; 20 without one. */
#include "runtime/linux.h"

static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

int main(int argc, char **argv) {
  int n = argc > 1 ? parse_number(argv[1]) : 20;
  print("fib(");
  print_number(n);
  print(") =");
  print_line("", fib(n));
  return 0;
}
