/* Eight threads pass a token round under a mutex and a condition variable, each counting in its own TLS variable. */
#include <pthread.h>
#include <stdio.h>

enum { THREADS = 8, ROUNDS = 50 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static int token, total;
static __thread int turns;

static void take_turn(int id) {
  pthread_mutex_lock(&mutex);
  while (token != id) pthread_cond_wait(&moved, &mutex);
  token = (token + 1) % THREADS;
  total += id;
  turns++;
  pthread_cond_broadcast(&moved);
  pthread_mutex_unlock(&mutex);
}

static void *player(void *argument) {
  for (int i = 0; i < ROUNDS; i++) take_turn((int)argument);
  return (void *)turns;
}

int main(void) {
  pthread_t thread[THREADS];
  void *result;
  int sum = 0;
  for (int i = 0; i < THREADS; i++) pthread_create(&thread[i], NULL, player, (void *)i);
  for (int i = 0; i < THREADS; i++) {
    pthread_join(thread[i], &result);
    sum += (int)result;
  }
  printf("%d turns, total %d\n", sum, total);
  return sum == THREADS * ROUNDS ? 0 : 1;
}
