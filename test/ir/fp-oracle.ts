/**
 * An oracle for floating point: a generated ARM program with one two-instruction stub per operation, run once by
 * qemu-arm over a file of cases. A case is eight words: stub number, FPSCR, then d0, d1, d2 (low, high each; a single
 * is the low word). An answer is three: d0 low, d0 high, FPSCR after.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const CASE_WORDS = 8;
export const ANSWER_WORDS = 3;

const COMPILER = 'arm-linux-gnueabihf-gcc';

export const hasOracle = (): boolean =>
  [COMPILER, 'qemu-arm'].every((tool) => spawnSync(tool, ['--version']).status === 0);

const main = (stubCount: number): string => `
#include <stdio.h>
extern void (*const stubs[${stubCount}])(void);
int main(void) {
  unsigned w[${CASE_WORDS}];
  while (fread(w, 4, ${CASE_WORDS}, stdin) == ${CASE_WORDS}) {
    register unsigned *p __asm__("r4") = w;
    register void (*f)(void) __asm__("r5") = stubs[w[0]];
    __asm__ volatile("ldr r0, [r4, #4]\\n vldr d0, [r4, #8]\\n vldr d1, [r4, #16]\\n vldr d2, [r4, #24]\\n"
      "vmsr fpscr, r0\\n blx r5\\n vmrs r0, fpscr\\n mov r1, #0\\n vmsr fpscr, r1\\n"
      "str r0, [r4, #8]\\n vstr d0, [r4]"
      : : "r"(p), "r"(f) : "r0", "r1", "lr", "memory", "cc", "d0", "d1", "d2", "d3");
    fwrite(w, 4, ${ANSWER_WORDS}, stdout);
  }
  return 0;
}`;

const stubFile = (stubs: readonly string[]): string => `
  .syntax unified
  .arch armv8-a
  .fpu neon-fp-armv8
  .arm
  .section .rodata
  .global stubs
  .align 2
stubs:
${stubs.map((_, i) => `  .word stub${i}`).join('\n')}
  .text
${stubs.map((text, i) => `  .type stub${i}, %function\nstub${i}:\n  ${text.split('; ').join('\n  ')}\n  bx lr`).join('\n')}
  .section .note.GNU-stack,"",%progbits
`;

/** Runs every case (CASE_WORDS words each) and gives ANSWER_WORDS words for each. `stubs` are instruction texts. */
export const askOracle = (stubs: readonly string[], cases: Int32Array): Int32Array => {
  const dir = mkdtempSync(join(tmpdir(), 'fp-oracle-'));
  try {
    writeFileSync(join(dir, 'main.c'), main(stubs.length));
    writeFileSync(join(dir, 'stubs.s'), stubFile(stubs));
    const built = spawnSync(COMPILER, ['-O1', '-static', '-marm', '-o', 'oracle', 'main.c', 'stubs.s'], { cwd: dir });
    if (built.status !== 0) throw new Error(built.stderr.toString());
    const input = new Uint8Array(cases.buffer, cases.byteOffset, cases.byteLength);
    writeFileSync(join(dir, 'cases'), input);
    const ran = spawnSync('sh', ['-c', 'qemu-arm -cpu max ./oracle < cases > answers'], { cwd: dir });
    if (ran.status !== 0) throw new Error(`oracle ended with ${ran.status}: ${ran.stderr.toString()}`);
    const bytes = readFileSync(join(dir, 'answers'));
    return new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  } finally {
    rmSync(dir, { recursive: true });
  }
};
