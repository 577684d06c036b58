// Calls whose arguments, callers and results the program prints itself; what a probe says of them is held against that.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline, noclone))

struct point {
  int x, y;
};

NOINLINE int area(const struct point *p, int scale) { return p->x * p->y * scale; }

NOINLINE int sum(int a, int b, int c, int d, int e, int f) { return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f; }

NOINLINE int text_one(const char *s) { return s[0]; }

NOINLINE int text_two(const char *s, unsigned n) { return s[0] + n; }

// Is handed pointers to nothing and does not follow them.
NOINLINE int strange(const char *s) { return (int)(size_t)s & 0xff; }

NOINLINE int inner(int n) {
  __asm__ volatile("" ::: "memory");
  return n * n;
}

NOINLINE int middle(int n) { return inner(n) + 1; }

NOINLINE int outer(int n) { return middle(n) + inner(n + 1); }

int main(int argc, char **argv) {
  struct point p = {3, -7};
  printf("area %d\n", area(&p, 2));
  printf("sum %d\n", sum(1, 2, 3, 4, 50, -6));
  printf("text %d\n", text_one("hello") + text_two("wo\trld", 5));
  printf("strange %d %d\n", strange((const char *)0x0c), strange((const char *)0xfffffff0));
  for (int i = 0; i < 5; i++) printf("outer %d\n", outer(i));
  printf("open %d\n", open("/nonexistent/file", O_RDONLY));
  printf("atoi %d\n", atoi("42"));
  return argc - 1 + (argv[0][0] == 0);
}
