/* A walk through the C library: formatting, sorting, strings, 64-bit arithmetic, heap, files, varargs, jumps, locale. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct record {
  char name[12];
  int64_t key;
  double weight;
};

static unsigned seed = 12345;
static unsigned next_random(void) { return seed = seed * 1664525u + 1013904223u; }

static int by_key(const void *a, const void *b) {
  const struct record *x = a, *y = b;
  return x->key < y->key ? -1 : x->key > y->key;
}

static long sum(int count, ...) {
  va_list list;
  long total = 0;
  va_start(list, count);
  while (count--) total += va_arg(list, int);
  va_end(list);
  return total;
}

static void sorting(void) {
  struct record records[200];
  double weight = 0;
  for (int i = 0; i < 200; i++) {
    snprintf(records[i].name, sizeof records[i].name, "r%u", next_random() % 1000);
    records[i].key = (int64_t)next_random() * (int)(next_random() % 2001 - 1000);
    records[i].weight = (double)(int)next_random() / 7;
  }
  qsort(records, 200, sizeof *records, by_key);
  for (int i = 0; i < 200; i++) weight = weight / 3 + records[i].weight;
  for (int i = 0; i < 200; i += 40) printf("%-8s %20" PRId64 " %14.4f\n", records[i].name, records[i].key, records[i].weight);
  printf("weight %.12g\n", weight);
}

static void arithmetic(void) {
  uint64_t a = 0xfedcba9876543210u;
  for (unsigned d = 3; d < 4000000000u; d = d * 7 + 1) {
    printf("%" PRIu64 " %" PRIu64 " %" PRId64 " %d\n", a / d, a % d, (int64_t)a / (int64_t)d, (int)(a >> (d & 31)) % (int)d);
    if (d > 600000000u) break;
  }
  printf("%" PRIx64 " %" PRIx64 "\n", a * a, (uint64_t)((double)a * 1.5e-3));
  printf("%d %ld\n", INT32_MIN / 3, sum(6, 1, -2, 3, -4, 5, 1000000));
}

static void strings(void) {
  char text[] = "The quick brown fox, it jumps; over the lazy dog.", copy[128];
  int upper = 0;
  for (char *word = strtok(text, " ,;."); word; word = strtok(NULL, " ,;.")) {
    upper += toupper((unsigned char)*word);
    printf("%s/%zu ", word, strlen(word));
  }
  memset(copy, 'x', sizeof copy);
  for (int n = 0; n < 60; n += 7) memmove(copy + n / 2, copy + n, sizeof copy - n);
  strcpy(copy, "prefix");
  strcat(copy, "-suffix");
  printf("%d %s %d %s\n", upper, copy, strcmp("abc", "abd") < 0, strstr(copy, "-s"));
  printf("%g %ld %lu %s\n", strtod("6.0221e23xyz", NULL), strtol("-0x7f", NULL, 0), strtoul("777", NULL, 8), strerror(ENOENT));
}

static void heap(void) {
  char *blocks[300] = {0};
  unsigned check = 0;
  for (int round = 0; round < 4000; round++) {
    unsigned at = next_random() % 300, size = next_random() % 5000 + 1;
    if (blocks[at]) check = check * 31 + (unsigned char)blocks[at][0];
    blocks[at] = realloc(blocks[at], size);
    memset(blocks[at], round, size < 64 ? size : 64);
  }
  for (int i = 0; i < 300; i++) free(blocks[i]);
  char *big = calloc(3, 1 << 20);
  printf("heap %u %d\n", check, big[1 << 20]);
  free(big);
}

static jmp_buf back;
static int dive(int n) {
  if (n == 0) longjmp(back, 99);
  return dive(n - 1) + n;
}

static void files(void) {
  char name[] = "/tmp/armstalk-library-XXXXXX", line[64];
  int fd = mkstemp(name), lines = 0;
  FILE *file = fdopen(fd, "w+");
  for (int i = 0; i < 500; i++) fprintf(file, "line %d of %c\n", i, 'a' + i % 26);
  rewind(file);
  while (fgets(line, sizeof line, file)) lines++;
  fseek(file, -10, SEEK_END);
  printf("%d lines, last %s", lines, fgets(line, sizeof line, file));
  fclose(file);
  unlink(name);
  printf("%d %d\n", access(name, F_OK), errno);
}

int main(int argc, char **argv) {
  time_t moment = 1000000000;
  printf("%d %s\n", argc, argc > 1 ? argv[1] : "-");
  sorting();
  arithmetic();
  strings();
  heap();
  int caught = setjmp(back);
  printf("jump %d\n", caught);
  if (!caught) printf("%d\n", dive(30));
  files();
  printf("%s", asctime(gmtime(&moment)));
  return argc;
}
