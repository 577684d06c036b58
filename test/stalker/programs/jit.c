/* Writes functions into memory, calls them, writes others over them, flushes the cache, calls them: ARM and Thumb code,
 * short and long, each jumping to one before it or returning. Its exit code is the number of wrong results. It needs no C
 * library, whose start would be most of the run. */
#include <stdint.h>

#define AREA 0x20000000

enum { SYS_EXIT = 1, SYS_MMAP2 = 192, SYS_CACHEFLUSH = 0xf0002 };
enum { PROT_READ_WRITE_EXEC = 7, MAP_PRIVATE_FIXED_ANONYMOUS = 0x32 };
enum { SLOTS = 6, SLOT_BYTES = 64, ROUNDS = 8, CALLS = 5 };

typedef uint32_t (*function)(uint32_t);

static uint8_t *const area = (uint8_t *)AREA;

static int syscall6(int number, int a, int b, int c, int d, int e, int f) {
  register int r0 asm("r0") = a, r1 asm("r1") = b, r2 asm("r2") = c, r3 asm("r3") = d, r4 asm("r4") = e;
  register int r5 asm("r5") = f, r7 asm("r7") = number;
  asm volatile("svc 0" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5), "r"(r7) : "memory");
  return r0;
}

static int is_thumb(int slot) { return slot & 1; }

static function entry(int slot) { return (function)(uintptr_t)(area + slot * SLOT_BYTES + is_thumb(slot)); }

/* add r0, #amount, `adds` times; then a jump to the slot two before it, which has the same instruction set, or a return. */
static void write_function(int slot, int adds, int amount) {
  int before = slot - 2;
  if (is_thumb(slot)) {
    uint16_t *at = (uint16_t *)(area + slot * SLOT_BYTES);
    for (int i = 0; i < adds; i++) *at++ = 0x3000 | amount;
    int offset = area + before * SLOT_BYTES - (uint8_t *)at - 4;
    *at++ = before < 0 ? 0x4770 : 0xe000 | (offset >> 1 & 0x7ff);
  } else {
    uint32_t *at = (uint32_t *)(area + slot * SLOT_BYTES);
    for (int i = 0; i < adds; i++) *at++ = 0xe2800000 | amount;
    int offset = area + before * SLOT_BYTES - (uint8_t *)at - 8;
    *at++ = before < 0 ? 0xe12fff1e : 0xea000000 | (offset >> 2 & 0xffffff);
  }
}

void _start(void) {
  syscall6(SYS_MMAP2, AREA, SLOTS * SLOT_BYTES, PROT_READ_WRITE_EXEC, MAP_PRIVATE_FIXED_ANONYMOUS, -1, 0);
  uint32_t sums[SLOTS];
  int wrong = 0;
  for (int round = 0; round < ROUNDS; round++) {
    for (int slot = 0; slot < SLOTS; slot++) {
      int adds = 1 + (round * 7 + slot * 3) % 12;
      int amount = 1 + round * SLOTS + slot;
      write_function(slot, adds, amount);
      sums[slot] = adds * amount + (slot < 2 ? 0 : sums[slot - 2]);
    }
    syscall6(SYS_CACHEFLUSH, AREA, AREA + SLOTS * SLOT_BYTES, 0, 0, 0, 0);
    for (int call = 0; call < CALLS; call++)
      for (int slot = 0; slot < SLOTS; slot++) wrong += entry(slot)(call) != call + sums[slot];
  }
  syscall6(SYS_EXIT, wrong, 0, 0, 0, 0, 0);
}
