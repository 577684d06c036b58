/* Call-heavy recursion: fib and ackermann-like nesting. Work grows with argv[1] thousand calls. */
#include <stdio.h>
#include <stdlib.h>

static __attribute__((noinline)) unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static __attribute__((noinline)) unsigned hops(unsigned n, unsigned sum) { return n == 0 ? sum : 1 + hops(n - 1, sum ^ n); }

int main(int argc, char **argv) {
  int size = argc > 1 ? atoi(argv[1]) : 1;
  unsigned check = 0;
  for (int i = 0; i < size; i++) check = check * 31 + fib(14) + hops(200, i); /* about 1,400 calls */
  printf("%u\n", check);
  return 0;
}
