/* Mutexes, condition variables, barriers, read-write locks, semaphores, once, TLS keys, timeouts, cancellation. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COUNT 8

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_barrier_t barrier;
static pthread_key_t key;
static sem_t sem;
static int counter, turn, onces, destroyed;
static long long wide;
static __thread int tls = 7;

static void count_once(void) { onces++; }

static void destroy(void *p) {
  __sync_fetch_and_add(&destroyed, 1);
  free(p);
}

static void *work(void *arg) {
  int id = (int)(long)arg;
  tls += id;
  pthread_once(&once, count_once);
  pthread_setspecific(key, malloc(10));
  for (int i = 0; i < 500; i++) {
    pthread_mutex_lock(&mutex);
    counter++;
    pthread_mutex_unlock(&mutex);
    __sync_fetch_and_add(&wide, 0x100000001LL);
  }
  for (int round = 0; round < 5; round++) {
    pthread_mutex_lock(&mutex);
    while (turn % COUNT != id) pthread_cond_wait(&cond, &mutex);
    turn++;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
  }
  pthread_barrier_wait(&barrier);
  pthread_rwlock_wrlock(&rwlock);
  counter++;
  pthread_rwlock_unlock(&rwlock);
  sem_post(&sem);
  char *block = malloc(100000);
  memset(block, id, 100000);
  free(block);
  return (void *)(long)(tls * 10);
}

static void say(void *text) { puts(text); }

static void *wait_for_ever(void *arg) {
  pthread_cleanup_push(say, "cleanup");
  for (;;) pause();
  pthread_cleanup_pop(0);
  return arg;
}

int main(void) {
  pthread_t threads[COUNT];
  void *result;
  long sum = 0;
  pthread_key_create(&key, destroy);
  pthread_barrier_init(&barrier, NULL, COUNT + 1);
  sem_init(&sem, 0, 0);
  for (int i = 0; i < COUNT; i++) pthread_create(&threads[i], NULL, work, (void *)(long)i);
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < COUNT; i++) sem_wait(&sem);
  for (int i = 0; i < COUNT; i++) {
    pthread_join(threads[i], &result);
    sum += (long)result;
  }
  printf("counter %d turn %d sum %ld onces %d destroyed %d wide %llx\n", counter, turn, sum, onces, destroyed, wide);

  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 20000000;
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  pthread_mutex_lock(&mutex);
  printf("timedwait %d\n", pthread_cond_timedwait(&cond, &mutex, &until) == ETIMEDOUT);
  pthread_mutex_unlock(&mutex);

  pthread_create(&threads[0], NULL, wait_for_ever, NULL);
  usleep(1000);
  pthread_cancel(threads[0]);
  pthread_join(threads[0], &result);
  printf("cancelled %d\n", result == PTHREAD_CANCELED);
  return counter & 0x7f;
}
