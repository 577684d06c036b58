/* Asynchronous signals: queues, masks, waiting, restarting, timers, between threads. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t sum, alarms;
static int fds[2];

static void add(int signo) { sum += signo; }
static void count_alarm(int signo) { alarms += signo != 0; }

static void tell(int signo, siginfo_t *info, void *context) {
  (void)context;
  int value = info->si_code == SI_QUEUE || info->si_code == SI_TIMER ? info->si_value.sival_int : 0;
  printf("signal %d code %d value %d\n", signo, info->si_code, value);
}

static void handle(int signo, void (*handler)(int), int flags) {
  struct sigaction action = {0};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigaction(signo, &action, NULL);
}

static void handle_info(int signo) {
  struct sigaction action = {0};
  action.sa_sigaction = tell;
  action.sa_flags = SA_SIGINFO;
  sigaction(signo, &action, NULL);
}

static void *write_later(void *arg) {
  usleep(300000);
  write(fds[1], "x", 1);
  return arg;
}

static void *take_usr1(void *arg) {
  while (sum == 0) usleep(1000);
  printf("taken %d\n", (int)sum);
  return arg;
}

static void test_queues(void) {
  sigset_t set, old, pending;
  union sigval value;
  handle_info(SIGUSR2);
  handle_info(SIGRTMIN);
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, &old);
  for (int i = 0; i < 3; i++) {
    value.sival_int = i;
    sigqueue(getpid(), SIGRTMIN, value);
    kill(getpid(), SIGUSR2);
  }
  sigpending(&pending);
  printf("pending %d %d\n", sigismember(&pending, SIGRTMIN), sigismember(&pending, SIGUSR2));
  sigprocmask(SIG_SETMASK, &old, NULL);
}

static void test_interruptions(void) {
  char byte;
  pthread_t thread;
  struct timespec request = {10, 0}, rest = {0, 0};
  pipe(fds);
  handle(SIGALRM, count_alarm, 0);
  ualarm(100000, 0);
  int result = nanosleep(&request, &rest);
  printf("nanosleep %d %d rest %ld\n", result, errno == EINTR, (long)rest.tv_sec);
  ualarm(100000, 0);
  result = read(fds[0], &byte, 1);
  printf("read %d %d\n", result, errno == EINTR);
  handle(SIGALRM, count_alarm, SA_RESTART);
  struct pollfd poll_fd = {fds[0], POLLIN, 0};
  ualarm(100000, 0);
  result = poll(&poll_fd, 1, -1);
  printf("poll %d %d\n", result, errno == EINTR);
  alarms = 0;
  pthread_create(&thread, NULL, write_later, NULL);
  ualarm(100000, 0);
  result = read(fds[0], &byte, 1);
  pthread_join(thread, NULL);
  printf("restarted read %d %c alarms %d\n", result, byte, (int)alarms);
}

static void test_waiting(void) {
  sigset_t set, old, none;
  siginfo_t info;
  struct timespec moment = {0, 1000000};
  handle(SIGUSR1, add, 0);
  sigemptyset(&none);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, &old);
  raise(SIGUSR1);
  int result = sigwaitinfo(&set, &info);
  printf("sigwaitinfo %d code %d\n", result, info.si_code);
  result = sigtimedwait(&set, &info, &moment);
  printf("sigtimedwait %d %d\n", result, errno == EAGAIN);
  raise(SIGUSR1);
  sum = 0;
  result = sigsuspend(&none);
  printf("sigsuspend %d %d sum %d\n", result, errno == EINTR, (int)sum);
  sigprocmask(SIG_BLOCK, NULL, &set);
  printf("blocked again %d\n", sigismember(&set, SIGUSR1));

  pthread_t thread;
  sum = 0;
  sigprocmask(SIG_SETMASK, &old, NULL);
  pthread_create(&thread, NULL, take_usr1, NULL);
  pthread_kill(thread, SIGUSR1);
  pthread_join(thread, NULL);
}

static void test_timers(void) {
  struct itimerval every = {{0, 2000}, {0, 1000}}, off = {{0, 0}, {0, 0}};
  alarms = 0;
  handle(SIGALRM, count_alarm, 0);
  setitimer(ITIMER_REAL, &every, NULL);
  while (alarms < 5) continue;
  setitimer(ITIMER_REAL, &off, NULL);
  printf("interval timer\n");
  timer_t timer;
  struct sigevent event = {0};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR2;
  event.sigev_value.sival_int = 5;
  timer_create(CLOCK_MONOTONIC, &event, &timer);
  struct itimerspec once = {{0, 0}, {0, 1000000}};
  timer_settime(timer, 0, &once, NULL);
  pause();
  timer_delete(timer);
  handle(SIGVTALRM, count_alarm, 0);
  alarms = 0;
  setitimer(ITIMER_VIRTUAL, &every, NULL);
  while (alarms < 2) continue;
  setitimer(ITIMER_VIRTUAL, &off, NULL);
  printf("virtual timer\n");
}

int main(void) {
  handle(SIGUSR1, add, 0);
  raise(SIGUSR1);
  kill(getpid(), SIGUSR1);
  printf("plain %d\n", (int)sum);
  test_queues();
  test_interruptions();
  test_waiting();
  test_timers();
  handle(SIGTERM, SIG_IGN, 0);
  raise(SIGTERM);
  printf("ignored\n");
  fflush(stdout);
  abort();
}
