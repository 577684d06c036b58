/* The kernel's user helpers at 0xffff0f60 to 0xffff0fff, reached from either instruction set. */
#include "runtime/linux.h"

static int (*const cmpxchg)(int, int, volatile int *) = (void *)0xffff0fc0;
static int (*const cmpxchg64)(const long long *, const long long *, volatile long long *) = (void *)0xffff0f60;
static void (*const barrier)(void) = (void *)0xffff0fa0;

int main(void) {
  volatile int word = 5;
  volatile long long pair = 5;
  long long five = 5, six = 6;
  print_line("helpers:", *(int *)0xffff0ffc);
  print_line("hit:", cmpxchg(5, 6, &word));
  barrier();
  print_line("word:", word);
  print_line("missed:", cmpxchg(5, 7, &word) != 0);
  print_line("hit:", cmpxchg64(&five, &six, &pair));
  print_line("pair:", (int)pair);
  return 0;
}
