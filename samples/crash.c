/* Dies of SIGSEGV three calls deep: a write to page zero. */
#include "runtime/linux.h"

static void scribble(int *where) { *where = 1; }
static void careless(int *where) {
  scribble(where);
  print("not reached\n");
}

int main(int argc, char **argv) {
  print("about to crash\n");
  careless((int *)(argc > 1 ? parse_number(argv[1]) : 12));
  return 0;
}
