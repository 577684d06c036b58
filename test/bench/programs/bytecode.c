/* An interpreter inside the interpreter: a stack machine with a switch, counting primes; argv[1] runs. */
#include <stdio.h>
#include <stdlib.h>

enum op { PUSH, LOAD, STORE, ADD, SUB, MOD, LESS, JUMP, JUMP_IF, ZERO, HALT };

/* for (n = 2; n < 400; n++) { p = 1; for (d = 2; d * 1 < n; d++) if (n % d == 0) p = 0; count += p; } */
static const int code[] = {
    PUSH, 2,  STORE, 0,                                            /* 0  n = 2 */
    LOAD, 0,  PUSH,  400, LESS, ZERO, JUMP_IF, 57,                 /* 4  n < 400 */
    PUSH, 1,  STORE, 2,                                            /* 12 p = 1 */
    PUSH, 2,  STORE, 1,                                            /* 16 d = 2 */
    LOAD, 1,  LOAD,  0,   LESS, ZERO, JUMP_IF, 43,                 /* 20 d < n */
    LOAD, 0,  LOAD,  1,   MOD,  JUMP_IF, 39,                       /* 28 n % d */
    PUSH, 0,  STORE, 2,                                            /* 35 p = 0 */
    LOAD, 1,  JUMP,  58,                                           /* 39 d++ */
    LOAD, 3,  LOAD,  2,   ADD,  STORE, 3,                          /* 43 count += p */
    LOAD, 0,  PUSH,  1,   ADD,                                     /* 50 n++ */
    JUMP, 65,                                                      /* 55 */
    HALT,                                                          /* 57 */
    PUSH, 1,  ADD,   STORE, 1, JUMP, 20,                           /* 58 */
    STORE, 0, JUMP,  4,                                            /* 65 */
};

static int run(int *cell) {
  int stack[16], *top = stack;
  const int *pc = code;
  for (;;) switch ((enum op)*pc++) {
      case PUSH: *top++ = *pc++; break;
      case LOAD: *top++ = cell[*pc++]; break;
      case STORE: cell[*pc++] = *--top; break;
      case ADD: top--; top[-1] += *top; break;
      case SUB: top--; top[-1] -= *top; break;
      case MOD: top--; top[-1] %= *top; break;
      case LESS: top--; top[-1] = top[-1] < *top; break;
      case JUMP: pc = code + *pc; break;
      case JUMP_IF: pc = *--top ? code + *pc : pc + 1; break;
      case ZERO: top[-1] = !top[-1]; break;
      case HALT: return cell[3];
    }
}

int main(int argc, char **argv) {
  int size = argc > 1 ? atoi(argv[1]) : 1, total = 0;
  for (int i = 0; i < size; i++) {
    int cell[4] = {0};
    total += run(cell);
  }
  printf("%d\n", total);
  return 0;
}
