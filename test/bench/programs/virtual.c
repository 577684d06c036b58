/* Indirect calls through tables of functions, as C++ does. argv[1] thousand calls. */
#include <stdio.h>
#include <stdlib.h>

struct shape;
struct methods {
  unsigned (*area)(const struct shape *);
  void (*grow)(struct shape *, unsigned);
};
struct shape {
  const struct methods *methods;
  unsigned a, b;
};

static unsigned square_area(const struct shape *s) { return s->a * s->a; }
static unsigned box_area(const struct shape *s) { return s->a * s->b; }
static unsigned wedge_area(const struct shape *s) { return s->a * s->b / 2; }
static void grow_both(struct shape *s, unsigned n) { s->a += n, s->b += n * 2; }
static void grow_one(struct shape *s, unsigned n) { s->a ^= n; }
static const struct methods kinds[] = {{square_area, grow_one}, {box_area, grow_both}, {wedge_area, grow_both}, {box_area, grow_one}};

int main(int argc, char **argv) {
  int size = argc > 1 ? atoi(argv[1]) : 1;
  struct shape shapes[64];
  unsigned sum = 0;
  for (int i = 0; i < 64; i++) shapes[i] = (struct shape){&kinds[i * 7 % 4], i + 1, i * 3 + 1};
  for (int round = 0; round < size * 8; round++)
    for (int i = 0; i < 64; i++) {
      struct shape *s = &shapes[i];
      sum += s->methods->area(s);
      s->methods->grow(s, sum & 3);
    }
  printf("%u\n", sum);
  return 0;
}
