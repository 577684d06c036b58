/* qsort of the library with a comparison callback, and a hand-made quicksort, over 20,000 numbers, argv[1] times. */
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 20000 };
static int numbers[COUNT];

static int compare(const void *a, const void *b) { return (*(int *)a > *(int *)b) - (*(int *)a < *(int *)b); }

static void fill(unsigned seed) {
  for (int i = 0; i < COUNT; i++) numbers[i] = seed = seed * 1664525u + 1013904223u;
}

static void quicksort(int *from, int *to) {
  while (to - from > 1) {
    int pivot = from[(to - from - 1) / 2], *i = from - 1, *j = to;
    for (;;) {
      while (*++i < pivot) continue;
      while (*--j > pivot) continue;
      if (i >= j) break;
      int swap = *i;
      *i = *j;
      *j = swap;
    }
    quicksort(from, j + 1);
    from = j + 1;
  }
}

int main(int argc, char **argv) {
  int size = argc > 1 ? atoi(argv[1]) : 1;
  unsigned check = 0;
  for (int round = 0; round < size; round++) {
    fill(round * 2 + 1);
    quicksort(numbers, numbers + COUNT);
    check = check * 31 + numbers[round % COUNT];
    fill(round * 2 + 2);
    qsort(numbers, COUNT, sizeof *numbers, compare);
    check = check * 31 + numbers[COUNT / 2];
  }
  printf("%u\n", check);
  return 0;
}
