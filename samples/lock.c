/* A PIN checker: reads four digits, compares them one by one. Right: "unlocked", exit 0. Wrong: "denied", exit 1. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char secret[] = "4711";

int cmp_digit(char a, char b) { return a == b; }

unsigned hash_pin(const char *pin) {
  unsigned h = 5381;
  while (*pin) h = h * 33 ^ (unsigned char)*pin++;
  return h;
}

int check_pin(const char *pin) {
  if (strlen(pin) != sizeof secret - 1) return 0;
  for (int i = 0; secret[i]; i++)
    if (!cmp_digit(pin[i], secret[i])) return 0;
  return hash_pin(pin) == 0x7c516766u;
}

void read_pin(char *pin, int size) {
  int got = read(0, pin, size - 1);
  pin[got > 0 ? got : 0] = 0;
  pin[strcspn(pin, "\r\n")] = 0;
}

void unlock(void) { puts("unlocked"); }
void deny(void) { puts("denied"); }

int main(void) {
  char pin[16];
  read_pin(pin, sizeof pin);
  if (!check_pin(pin)) {
    deny();
    return 1;
  }
  unlock();
  return 0;
}
