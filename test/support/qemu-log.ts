/** The log of `qemu-arm -singlestep -d exec,nochain,in_asm[,cpu]`, line by line, as executed instructions. */
import { createReadStream } from 'node:fs';

/** One executed instruction. Registers are those before it ran; `sp` is 0 and `registers` empty without `registers: true`. */
export interface Step {
  readonly thread: number;
  /** Address with bit 0 set in Thumb state. */
  readonly pc: number;
  /** Inside a Thumb IT group: the instruction may have been skipped. */
  readonly inItBlock: boolean;
  /** The instruction's bytes as qemu fetched them last. */
  readonly bytes: Uint8Array;
  readonly sp: number;
  /** r0 to r15 as logged. */
  readonly registers: Uint32Array;
  readonly cpsr: number;
}

const noBytes = new Uint8Array(0);
const noRegisters = new Uint32Array(16);
const THUMB_FLAG = 0x0080_0000;

const parseBytes = (text: string): Uint8Array => {
  if (text.length === 8) return new Uint8Array(new Uint32Array([Number.parseInt(text, 16)]).buffer);
  const halves = text.split(' ').map((half) => Number.parseInt(half, 16));
  return new Uint8Array(new Uint16Array(halves).buffer);
};

interface Pending {
  thread: number;
  pc: number;
  inItBlock: boolean;
  bytes: Uint8Array;
  sp: number;
  registers: Uint32Array;
  cpsr: number;
}

/** Turns the lines of the log into steps. A step is held back until its thread logs the next one: qemu may withdraw it. */
export class LogParser {
  private readonly code: Map<number, Uint8Array>;
  private readonly held = new Map<number, Pending>();
  private current: Pending | undefined;
  private readonly registers: boolean;
  private readonly onStep: (step: Step) => void;

  /** `code`: bytes by address, which the threads' logs of one run share. */
  constructor(registers: boolean, onStep: (step: Step) => void, code = new Map<number, Uint8Array>()) {
    this.code = code;
    this.registers = registers;
    this.onStep = onStep;
  }

  line(line: string): void {
    if (line.startsWith('R') && this.current !== undefined) this.registerLine(line, this.current);
    else if (line.startsWith('Trace ')) this.traceLine(line);
    else if (line.startsWith('0x')) this.codeLine(line);
    else if (line.startsWith('PSR=') && this.current !== undefined)
      this.current.cpsr = Number.parseInt(line.slice(4, 12), 16);
    else if (line.startsWith('Stopped execution')) this.withdraw(line);
  }

  end(): void {
    for (const step of this.held.values()) this.onStep(step);
    this.held.clear();
  }

  /** `0x000100ba:  f240 201c  movw     r0, #0x21c` */
  private codeLine(line: string): void {
    const match = /^0x([0-9a-f]{8}): {2}([0-9a-f]{8}|[0-9a-f]{4}(?: [0-9a-f]{4})?) /.exec(line);
    if (match !== null) this.code.set(Number.parseInt(match[1] as string, 16), parseBytes(match[2] as string));
  }

  /** `Trace 0: 0x7f… [00800480/00010098/00000000/00000201] symbol`: flags, pc. */
  private traceLine(line: string): void {
    const thread = Number.parseInt(line.slice(6), 10);
    const at = line.indexOf('[');
    const flags = Number.parseInt(line.slice(at + 1, at + 9), 16);
    const address = Number.parseInt(line.slice(at + 10, at + 18), 16);
    const before = this.held.get(thread);
    if (before !== undefined) this.onStep(before);
    this.current = {
      thread,
      pc: address + (flags & THUMB_FLAG ? 1 : 0),
      inItBlock: flags >>> 24 !== 0,
      bytes: this.code.get(address) ?? noBytes,
      sp: 0,
      registers: this.registers ? new Uint32Array(16) : noRegisters,
      cpsr: 0,
    };
    this.held.set(thread, this.current);
  }

  /** `R12=00000000 R13=40800970 R14=00000000 R15=000100cc` */
  private registerLine(line: string, step: Pending): void {
    const first = Number.parseInt(line.slice(1, 3), 10);
    for (let i = 0; i < 4; i++) step.registers[first + i] = Number.parseInt(line.slice(i * 13 + 4, i * 13 + 12), 16);
    if (first === 12) step.sp = step.registers[13] as number;
  }

  private withdraw(line: string): void {
    const at = line.indexOf('[');
    const address = Number.parseInt(line.slice(at + 1, at + 9), 16);
    for (const [thread, step] of this.held) if ((step.pc & ~1) >>> 0 === address) this.held.delete(thread);
  }
}

/** Hands the lines of a file or pipe on until `onLine` returns true. */
export const readLines = async (path: string, onLine: (line: string) => boolean): Promise<void> => {
  const stream = createReadStream(path, { encoding: 'latin1', highWaterMark: 1 << 18 });
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) if (onLine(line)) return;
  }
};
