/* UNDEFINED instructions and breakpoints: SIGILL handled by stepping over, then one that is not handled. */
#include "runtime/linux.h"

static int seen;

static void step_over(int signo, u32 *info, u32 *context) {
  seen++;
  print_line("signal:", signo);
  print_line("at pc:", info[3] == context[5 + 18]);
#ifdef __thumb__
  context[5 + 18] += 2; /* udf is 16 bits wide */
#else
  context[5 + 18] += 4;
#endif
}

int main(void) {
  handle_signal(SIGILL, step_over, SA_SIGINFO);
  __asm__ volatile("udf #7");
  __asm__ volatile("udf #8");
  print_line("stepped over:", seen);
  handle_signal(SIGILL, 0, 0);
  __asm__ volatile("udf #9");
  return 0;
}
