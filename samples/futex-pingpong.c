/* Two threads and two futex words, no library lock in between: a thousand exchanges, then a wait that times out. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { EXCHANGES = 1000 };
static atomic_int ball;

static void wait_for(int side) {
  int seen;
  while ((seen = atomic_load(&ball)) % 2 != side) syscall(SYS_futex, &ball, FUTEX_WAIT, seen, NULL, NULL, 0);
}

static void *play(void *argument) {
  int side = (int)argument;
  for (int i = 0; i < EXCHANGES; i++) {
    wait_for(side);
    atomic_fetch_add(&ball, 1);
    syscall(SYS_futex, &ball, FUTEX_WAKE, 1, NULL, NULL, 0);
  }
  return NULL;
}

int main(void) {
  pthread_t other;
  struct timespec patience = {0, 1000000};
  pthread_create(&other, NULL, play, (void *)1);
  play((void *)0);
  pthread_join(other, NULL);
  int result = syscall(SYS_futex, &ball, FUTEX_WAIT, atomic_load(&ball), &patience, NULL, 0);
  printf("ball %d, last wait %s\n", atomic_load(&ball), result < 0 && errno == ETIMEDOUT ? "timed out" : "failed");
  return 0;
}
