/* Recursion without end: SIGSEGV just below the stack, in the frame that did not fit. */
#include <stdio.h>

static volatile int depth;

static int __attribute__((noinline)) deeper(int n) {
  volatile char frame[512];
  frame[0] = (char)n;
  depth = n;
  return deeper(n + 1) + frame[0];
}

int main(int argc, char **argv) {
  (void)argv;
  printf("%d\n", argc);
  fflush(stdout);
  return deeper(argc);
}
