/* SIGSEGV, SIGBUS and SIGILL with siginfo: handlers that longjmp away, repair the cause, or step over it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static char alt_stack[65536];
static volatile void *fault_address;
static volatile int fault_signal, fault_code, on_alt_stack, repairs;

static void escape(int signo, siginfo_t *info, void *context) {
  char local;
  (void)context;
  fault_signal = signo;
  fault_address = info->si_addr;
  fault_code = info->si_code;
  on_alt_stack = &local >= alt_stack && &local < alt_stack + sizeof alt_stack;
  siglongjmp(back, 1);
}

static void repair(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)context;
  mprotect((void *)((unsigned long)info->si_addr & ~4095ul), 4096, PROT_READ | PROT_WRITE);
  repairs++;
}

static void step_over(int signo, siginfo_t *info, void *context) {
  ucontext_t *uc = context;
  int thumb = (uc->uc_mcontext.arm_cpsr & 0x20) != 0;
  (void)signo;
  printf("illegal at pc %d\n", (unsigned long)info->si_addr == uc->uc_mcontext.arm_pc);
  uc->uc_mcontext.arm_pc += thumb ? 2 : 4;
  uc->uc_mcontext.arm_r0 = 4711;
}

static void handle(int signo, void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction action = {0};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | flags;
  sigaction(signo, &action, NULL);
}

#define TRY(name, expression, expected)                                                                          \
  do {                                                                                                           \
    if (sigsetjmp(back, 1) == 0) {                                                                               \
      (void)(expression);                                                                                        \
      printf("%s no fault\n", name);                                                                             \
    } else {                                                                                                     \
      printf("%s signal %d code %d address %d alt %d\n", name, fault_signal, fault_code,                         \
             fault_address == (void *)(expected), on_alt_stack);                                                 \
    }                                                                                                            \
  } while (0)

int main(void) {
  stack_t stack = {.ss_sp = alt_stack, .ss_size = sizeof alt_stack};
  sigaltstack(&stack, NULL);
  handle(SIGSEGV, escape, SA_ONSTACK);
  handle(SIGBUS, escape, SA_ONSTACK);
  char *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *constant = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  TRY("write to nothing", *(volatile int *)0x1234 = 1, 0x1234);
  TRY("read of PROT_NONE", *(volatile int *)none, none);
  TRY("write to PROT_READ", *(volatile int *)(constant + 8) = 1, constant + 8);
  TRY("call of PROT_NONE", ((void (*)(void))none)(), none);
  TRY("call of nothing", ((void (*)(void))0x10)(), 0x10);
  TRY("kernel address", *(volatile int *)0xc0001000u, 0xc0001000u);
  TRY("unaligned ldrd", ({
        long long value;
        __asm__ volatile("ldrd %Q0, %R0, [%1]" : "=r"(value) : "r"(data + 2));
        value;
      }),
      data + 2);
  TRY("unaligned ldr", *(volatile int *)(data + 1), 0);

  int fd = open("/proc/self/exe", O_RDONLY);
  off_t size = lseek(fd, 0, SEEK_END);
  char *file = mmap(NULL, size + 8192, PROT_READ, MAP_PRIVATE, fd, 0);
  printf("file %c%c%c\n", file[1], file[2], file[3]);
  char *beyond = file + ((size + 4095) & ~4095);
  /* qemu-arm tells the host's address here. */
  TRY("beyond the file", *(volatile char *)beyond, fault_address);

  handle(SIGSEGV, repair, 0);
  *(volatile int *)none = 77;
  printf("repaired %d times %d\n", *(int *)none, repairs);

  handle(SIGILL, step_over, 0);
  register int r0 __asm__("r0") = 1;
#ifdef __thumb__
  __asm__ volatile(".short 0xde00" : "+r"(r0));
#else
  __asm__ volatile(".word 0xe7f000f0" : "+r"(r0));
#endif
  int result = r0;
  printf("after illegal %d\n", result);
  fflush(stdout);
  signal(SIGSEGV, SIG_DFL);
  *(volatile int *)0x20 = 1;
  return 0;
}
