/* Threads whose own work does not depend on the schedule: work() takes no lock another thread takes and allocates nothing. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, ITEMS = 12 };

static pthread_barrier_t start;
static pthread_mutex_t own[THREADS];
static char lines[THREADS][80];

__attribute__((noinline)) static unsigned fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
static int descending(const void *a, const void *b) { return *(const int *)b - *(const int *)a; }

__attribute__((noinline)) static void leave(jmp_buf *out, int frames) {
  if (frames == 0) longjmp(*out, 7);
  leave(out, frames - 1);
  __asm__ volatile("");
}

__attribute__((noinline)) static int escape(int frames) {
  jmp_buf out;
  int code = setjmp(out);
  if (code == 0) leave(&out, frames);
  return code;
}

__attribute__((noinline)) void *work(int id) {
  int items[ITEMS];
  for (int i = 0; i < ITEMS; i++) items[i] = (id + 3) * (i + 5) * 7919 % 101;
  pthread_mutex_lock(&own[id]);
  qsort(items, ITEMS, sizeof *items, id & 1 ? ascending : descending);
  pthread_mutex_unlock(&own[id]);
  snprintf(lines[id], sizeof lines[id], "%d: fib %u, %d to %d, %.3f, %d", id, fib(4 + id), items[0], items[ITEMS - 1],
           sin(id + 1.0), escape(id + 2));
  return lines[id];
}

static void *thread(void *argument) {
  pthread_barrier_wait(&start);
  void *line = work((int)argument);
  __asm__ volatile(""); /* no tail call */
  return line;
}

int main(void) {
  pthread_t threads[THREADS];
  void *line;
  pthread_barrier_init(&start, NULL, THREADS);
  for (int i = 0; i < THREADS; i++) pthread_mutex_init(&own[i], NULL);
  for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, thread, (void *)i);
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], &line);
    puts(line);
  }
  return 0;
}
