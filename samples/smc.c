/* Code written at run time, run, rewritten and run again; cacheflush tells when. */
#include "runtime/linux.h"

#ifdef __thumb__
static void emit(unsigned short *code, int value) {
  code[0] = 0x2000 | value; /* movs r0, #value */
  code[1] = 0x4770;         /* bx lr */
}
#define ENTRY(code) ((int (*)(void))((u32)(code) | 1))
typedef unsigned short unit;
#else
static void emit(u32 *code, int value) {
  code[0] = 0xe3a00000 | value; /* mov r0, #value */
  code[1] = 0xe12fff1e;         /* bx lr */
}
#define ENTRY(code) ((int (*)(void))(code))
typedef u32 unit;
#endif

int main(void) {
  unit *code = (unit *)SYS_LONG(mmap2, 0, 4096, 7, 0x22, -1, 0);
  int sum = 0;
  for (int i = 0; i < 20; i++) {
    emit(code, i);
    SYS(cacheflush, code, code + 2, 0);
    sum += ENTRY(code)() + ENTRY(code)();
  }
  print_line("sum:", sum);
  return 0;
}
