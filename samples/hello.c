/* The smallest program with a call in it: one write, exit 0. */
#include "runtime/linux.h"

int main(void) {
  print("Hello from ARM\n");
  return 0;
}
