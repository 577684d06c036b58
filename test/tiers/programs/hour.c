/*
 * Lives for argv[1] seconds of its own time, a turn every 10 ms: some work, a mapping made and undone, a file opened, a
 * sleep. Every second an alarm rings and a thread is made and joined. A line of progress every sixteenth of the way.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t alarms;
static void ring(int signo) { alarms += signo == SIGALRM; }

static unsigned mix(unsigned hash, unsigned value) { return (hash ^ value) * 16777619u; }

__attribute__((noinline)) static unsigned work(unsigned seed) {
  unsigned hash = seed;
  for (unsigned i = 0; i < 200; i++) hash = mix(hash, i);
  return hash;
}

static void *thread(void *argument) { return (void *)work((unsigned)argument); }

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
  long long length = (argc > 1 ? atoll(argv[1]) : 1) * 1000000000LL, start = now(), due = length / 16;
  unsigned turns = 0, threads = 0, hash = 0;
  struct itimerval second = {{1, 0}, {1, 0}};
  signal(SIGALRM, ring);
  setitimer(ITIMER_REAL, &second, NULL);
  for (long long passed = 0; passed < length; passed = now() - start, turns++) {
    struct timespec pause = {0, 10000000};
    hash = mix(hash, work(turns));
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return 1;
    memset(page, turns, 8192);
    hash = mix(hash, page[4095]);
    munmap(page, 8192);
    int fd = open("/proc/self/exe", O_RDONLY);
    if (fd != 3) return 2;
    close(fd);
    if (turns % 100 == 0) {
      pthread_t other;
      void *result;
      if (pthread_create(&other, NULL, thread, (void *)turns) != 0) return 3;
      pthread_join(other, &result);
      hash = mix(hash, (unsigned)result);
      threads++;
    }
    if (passed >= due) {
      printf("%lld s\n", passed / 1000000000);
      fflush(stdout);
      due += length / 16;
    }
    nanosleep(&pause, NULL);
  }
  printf("%u turns, %u threads, %d alarms, hash %08x\n", turns, threads, (int)alarms, hash);
  return 0;
}
