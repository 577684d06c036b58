/* Makes and discards code: argv[1] functions, each called six times. A line of progress every sixteenth of the way. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { PLACES = 500, WORDS = 16 };

static unsigned imm16(unsigned value) { return (value >> 12 & 15) << 16 | (value & 0xfff); }

int main(int argc, char **argv) {
  unsigned count = argc > 1 ? strtoul(argv[1], 0, 0) : 1000, sum = 0;
  unsigned *arena = mmap(0, PLACES * WORDS * 4, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (arena == MAP_FAILED) return 1;
  for (unsigned i = 0; i < count; i++) {
    unsigned *code = arena + i * 37 % PLACES * WORDS;
    code[0] = 0xe3000000 | imm16(i & 0xffff);          /* movw r0, #low */
    code[1] = 0xe3400000 | imm16(i * 2654435761u >> 16); /* movt r0, #high */
    code[2] = 0xe0800001;                               /* add r0, r0, r1 */
    code[3] = 0xe12fff1e;                               /* bx lr */
    __builtin___clear_cache((char *)code, (char *)(code + 4));
    unsigned (*function)(unsigned, unsigned) = (unsigned (*)(unsigned, unsigned))code;
    for (unsigned k = 0; k < 6; k++) {
      unsigned expected = (i & 0xffff) + (i * 2654435761u >> 16 << 16) + k;
      if (function(0, k) != expected) return 2;
      sum = sum * 31 + expected;
    }
    if (i % (count / 16) == 0) {
      printf("%u\n", i);
      fflush(stdout);
    }
  }
  printf("sum %08x\n", sum);
  return 0;
}
