/* A thread dies holding a robust mutex, and one with priority inheritance: what qemu-arm does not emulate. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

static void *lock_and_die(void *mutex) {
  pthread_mutex_lock(mutex);
  return NULL;
}

static void try(const char *name, int protocol) {
  pthread_mutexattr_t attributes;
  pthread_mutex_t mutex;
  pthread_t thread;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setprotocol(&attributes, protocol);
  if (pthread_mutex_init(&mutex, &attributes) != 0) {
    printf("%s not supported\n", name);
    return;
  }
  pthread_create(&thread, NULL, lock_and_die, &mutex);
  pthread_join(thread, NULL);
  int error = pthread_mutex_lock(&mutex);
  printf("%s %s", name, error == EOWNERDEAD ? "EOWNERDEAD" : "?");
  pthread_mutex_consistent(&mutex);
  printf(" unlock %d", pthread_mutex_unlock(&mutex));
  printf(" again %d\n", pthread_mutex_lock(&mutex));
}

int main(void) {
  try("robust", PTHREAD_PRIO_NONE);
  try("robust-pi", PTHREAD_PRIO_INHERIT);
  return 0;
}
