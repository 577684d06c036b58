#include "linux.h"

static u32 length(const char *text) {
  u32 n = 0;
  while (text[n]) n++;
  return n;
}

void print(const char *text) { SYS(write, 1, text, length(text)); }

void print_number(int value) {
  char digits[12];
  char *at = digits + sizeof digits;
  u32 rest = value < 0 ? -(u32)value : (u32)value;
  *--at = 0;
  do {
    *--at = '0' + rest % 10;
    rest /= 10;
  } while (rest);
  if (value < 0) *--at = '-';
  print(at);
}

/* "text value\n" */
void print_line(const char *text, int value) {
  print(text);
  print(" ");
  print_number(value);
  print("\n");
}

int parse_number(const char *text) {
  int value = 0;
  for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + (*text - '0');
  return value;
}
