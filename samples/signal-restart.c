/*
 * A read of an empty pipe under an interval timer: restarted with SA_RESTART, EINTR without. The third tick feeds the pipe;
 * later ones, which come before the timer is off when the machine is slow, do not count.
 */
#include "runtime/linux.h"

static int pipe_ends[2];
static volatile int ticks;

static void tick(int signo) {
  (void)signo;
  if (ticks < 3 && ++ticks == 3) SYS(write, pipe_ends[1], "!", 1);
}

static void set_timer(int microseconds) {
  int timer[4] = {0, microseconds, 0, microseconds};
  SYS(setitimer, 0, timer, 0);
}

static int read_with(u32 flags) {
  char byte = '-';
  handle_signal(SIGALRM, tick, flags);
  set_timer(2000);
  int got = SYS(read, pipe_ends[0], &byte, 1);
  set_timer(0);
  return got == 1 ? byte : got;
}

int main(void) {
  SYS(pipe, pipe_ends, 0, 0);
  print_line("with SA_RESTART:", read_with(SA_RESTART));
  print_line("after ticks:", ticks);
  print_line("without:", read_with(0) == -EINTR);
  return 0;
}
