/* Faults that are handled: one handler jumps away, the other repairs the mapping and lets the store happen again. */
#include "runtime/linux.h"

static jump_point home;
static char *page;

static void jump_away(int signo) { throw_jump(home, signo); }

static void repair(int signo, u32 *info, void *context) {
  (void)context;
  print_line("signal:", signo);
  print_line("si_code:", (int)info[2]);
  print_line("offset:", (int)(info[3] - (u32)page));
  SYS(mprotect, page, 4096, 3);
}

int main(void) {
  handle_signal(SIGSEGV, jump_away, SA_NODEFER);
  for (volatile int i = 0; i < 3; i++) {
    int caught = catch_jump(home);
    if (!caught) *(volatile int *)4 = 1;
    print_line("caught:", caught);
  }
  page = (char *)SYS_LONG(mmap2, 0, 4096, 1, 0x22, -1, 0);
  handle_signal(SIGSEGV, repair, SA_SIGINFO);
  *(volatile char *)(page + 100) = 7;
  print_line("stored:", page[100]);
  return 0;
}
