/* The kernel's side of a program without a C library: raw calls (EABI: number in r7) and a little printing. */
#pragma once

typedef unsigned int u32;

enum {
  SYS_read = 3,
  SYS_write = 4,
  SYS_getpid = 20,
  SYS_pipe = 42,
  SYS_kill = 37,
  SYS_setitimer = 104,
  SYS_mprotect = 125,
  SYS_rt_sigaction = 174,
  SYS_mmap2 = 192,
  SYS_cacheflush = 0xf0002,
};

enum { SIGILL = 4, SIGFPE = 8, SIGSEGV = 11, SIGALRM = 14 };
enum { SA_SIGINFO = 4, SA_RESTORER = 0x04000000, SA_RESTART = 0x10000000, SA_NODEFER = 0x40000000 };
enum { EINTR = 4 };

static inline int syscall6(int number, u32 a, u32 b, u32 c, u32 d, u32 e, u32 f) {
  register int r7 __asm__("r7") = number;
  register u32 r0 __asm__("r0") = a;
  register u32 r1 __asm__("r1") = b;
  register u32 r2 __asm__("r2") = c;
  register u32 r3 __asm__("r3") = d;
  register u32 r4 __asm__("r4") = e;
  register u32 r5 __asm__("r5") = f;
  __asm__ volatile("svc #0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5) : "memory");
  return (int)r0;
}
#define SYS(number, a, b, c) syscall6(SYS_##number, (u32)(a), (u32)(b), (u32)(c), 0, 0, 0)
#define SYS_LONG(number, a, b, c, d, e, f) \
  syscall6(SYS_##number, (u32)(a), (u32)(b), (u32)(c), (u32)(d), (u32)(e), (u32)(f))

struct sigaction {
  void *handler;
  u32 flags;
  void *restorer;
  u32 mask[2];
};

void sigreturn_restorer(void);
void rt_sigreturn_restorer(void);

static inline int handle_signal(int signo, void *handler, u32 flags) {
  void *restorer = flags & SA_SIGINFO ? (void *)rt_sigreturn_restorer : (void *)sigreturn_restorer;
  struct sigaction action = {handler, flags | SA_RESTORER, restorer, {0, 0}};
  return SYS_LONG(rt_sigaction, signo, &action, 0, 8, 0, 0);
}

typedef u32 jump_point[10];
int catch_jump(jump_point) __attribute__((returns_twice));
void throw_jump(jump_point, int) __attribute__((noreturn));

void print(const char *text);
void print_number(int value);
void print_line(const char *text, int value);
int parse_number(const char *text);
