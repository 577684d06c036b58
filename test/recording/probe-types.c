/*
 * Functions with arguments of every kind, called with known values. Each call is printed the way a probe that knows the
 * prototype should show it; the test compares.
 */
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define NOINLINE __attribute__((noinline, noclone, noipa))

enum color { RED, GREEN };
struct pair { int x, y; };

/* Prints one character as C writes it. */
static const char *character(char c) {
  static char text[8];
  if (c == '\n') return "'\\n'";
  if (c == '\'') return "'\\''";
  if ((unsigned char)c >= 0x7f || c < ' ') sprintf(text, "'\\x%02x'", (unsigned char)c);
  else sprintf(text, "'%c'", c);
  return text;
}

NOINLINE int ints(int a, unsigned b, short c, unsigned short d) { return a + (int)b + c + d; }
NOINLINE signed char bytes(char a, signed char b, unsigned char c, _Bool d) { return (signed char)(b - c - d - a); }
NOINLINE long long wide(long long a, int b, unsigned long long c) { return a + b + (long long)c; }
NOINLINE unsigned long long wider(int a, long long b, int c, int d, long long e, uint8_t f) {
  return (unsigned long long)a + b + c + d + e + f;
}
NOINLINE float singles(float a, float b) { return a * b; }
NOINLINE double doubles(double a, float b, double c, float d) { return a + b + c + d; }
NOINLINE double mixed(int a, double b, const char *c, float d, long long e, double f) {
  return a + b + (double)strlen(c) + d + (double)e + f;
}
/* Nine doubles: the last one is on the stack, and the float behind it too. */
NOINLINE double many(double a, float b, double c, double d, double e, double f, double g, double h, double i, float j) {
  return a + b + c + d + e + f + g + h + i + j;
}
NOINLINE const char *strings(const char *a, const char *b, const char *c) { return a == 0 ? b : c; }
NOINLINE enum color *pointers(void *a, struct pair *b, int (*f)(int, unsigned, short, unsigned short), int v[]) {
  return (void *)(v + b->x + (f != 0) + (a == 0));
}
NOINLINE void nothing(void) { __asm__ volatile(""); }
static int (*volatile again)(int);
NOINLINE int recursive(int n) { return n == 0 ? 0 : n + again(n - 1); }

/* A tail call: inner_tail returns to outer_tail's caller. */
NOINLINE int inner_tail(int n) { return n * 2; }
NOINLINE int outer_tail(int n) { return inner_tail(n + 1); }

static jmp_buf back;
NOINLINE int jumper(int n) {
  if (n == 3) longjmp(back, n);
  return n + 100;
}
NOINLINE int jumps(int n) {
  int got = setjmp(back);
  if (got != 0) return -got;
  return jumper(n);
}

int main(void) {
  struct pair pair = {1, 2};
  int numbers[4] = {0};
  printf("ints(a=%d, b=%u, c=%hd, d=%hu) = %d\n", -5, 4000000000u, -3, 65535, ints(-5, 4000000000u, -3, 65535));
  for (int i = 0; i < 4; i++) {
    char a = "4\n'\x80"[i];
    printf("bytes(a=%s, b=%d, c=%d, d=%d) = %d\n", character(a), -7, 200, 1, bytes(a, -7, 200, 1));
  }
  printf("wide(a=%lld, b=%d, c=%llu) = %lld\n", -5000000000ll, 7, 18446744073709551615ull, wide(-5000000000ll, 7, -1));
  printf("wider(a=%d, b=%lld, c=%d, d=%d, e=%lld, f=%d) = %llu\n", 1, 1ll << 40, 3, 4, -6ll, 250,
         wider(1, 1ll << 40, 3, 4, -6, 250));
  printf("singles(a=%.3g, b=%.3g) = %.3g\n", 0.1, 2.5, singles(0.1f, 2.5f));
  printf("doubles(a=%.17g, b=%.3g, c=%.17g, d=%.3g) = %.17g\n", 1.5, 0.25, -2.75, 8.5, doubles(1.5, 0.25f, -2.75, 8.5f));
  printf("mixed(a=%d, b=%.17g, c=\"%s\", d=%.3g, e=%lld, f=%.3g) = %.3g\n", 3, 0.5, "tab\\tquote\\\"", 0.75, 9ll, 1e300,
         mixed(3, 0.5, "tab\tquote\"", 0.75f, 9, 1e300));
  printf("many(a=1, b=2.5, c=3, d=4, e=5, f=6, g=7, h=8, i=9.25, j=10.5) = %.17g\n",
         many(1, 2.5f, 3, 4, 5, 6, 7, 8, 9.25, 10.5f));
  printf("strings(a=NULL, b=\"%s\", c=<bad 0x%08x>) = \"%s\"\n", "two", 12, strings(0, "two", (char *)12));
  printf("pointers(a=0x%x, b=0x%x, f=ints, v=0x%x) = 0x%x\n", 0xdead0000, (unsigned)&pair, (unsigned)numbers,
         (unsigned)pointers((void *)0xdead0000, &pair, ints, numbers));
  nothing();
  printf("nothing()\n");
  again = recursive;
  int n = recursive(2);
  printf("recursive(n=2) {\n  recursive(n=1) {\n    recursive(n=0) = 0\n  } = 1 /* recursive */\n} = %d /* recursive */\n", n);
  n = outer_tail(4);
  printf("outer_tail(n=4) {\n  inner_tail(n=5) = %d\n} = %d /* outer_tail */\n", n, n);
  for (int i = 2; i < 5; i++) {
    n = jumps(i);
    if (i == 3) printf("jumps(n=3) {\n  jumper(n=3) /* unwound */\n} = %d /* jumps */\n", n);
    else printf("jumps(n=%d) {\n  jumper(n=%d) = %d\n} = %d /* jumps */\n", i, i, n, n);
  }
  return 0;
}
