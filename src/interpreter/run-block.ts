/**
 * The cold tier: runs flattened code. What a pure or floating op means is `ir/eval` and `ir/fp`; written here are only
 * the impure ops (state, memory, exits). The frequent pure ops have a case of their own so that the engine can inline
 * the evaluation function.
 */
import { Word } from '../guest/cpu-state.js';
import { PAGE_SHIFT, PAGE_SIZE } from '../guest/layout.js';
import { type GuestMemory, Permission } from '../guest/memory.js';
import { evaluate, type PureFunction } from '../ir/eval.js';
import { type FloatingFunction, floating, widePure } from '../ir/fp.js';
import { locationIsThumb, locationItState, locationPc } from '../ir/location.js';
import { isFloating, isPure } from '../ir/opcode.js';
import { ExitReason, FaultKind } from '../ir/terminal.js';
import {
  BRANCH,
  type ColdCode,
  EXIT_INDIRECT,
  INDIRECT,
  MOVE,
  MOVE_WIDE,
  OP_NAMES,
  opNumber,
  STOP,
  STRIDE,
  TO,
} from './cold-code.js';
import type { Machine } from './machine.js';

const PURE = OP_NAMES.map((op) => (isPure(op) ? evaluate[op] : undefined)) as PureFunction[];
const FLOATING = OP_NAMES.map((op) =>
  isFloating(op) ? floating[op] : op in widePure ? widePure[op as keyof typeof widePure] : undefined,
) as (FloatingFunction | undefined)[];

const { add, sub, and, or, xor, shl, shr, sar, eq, ne, ltU, leU, ltS, leS, eqz, overflow, overflowSub, carry, select } =
  evaluate;

// Switch labels must be constants the engine can see; they are read from the table once.
const ENTER = opNumber.enter;
const IF = opNumber.if;
const TRAP = opNumber.trap;
const TRAP_IF = opNumber.trapIf;
const CALLOUT = opNumber.callout;
const LOAD8U = opNumber.load8u;
const LOAD8S = opNumber.load8s;
const LOAD16U = opNumber.load16u;
const LOAD16S = opNumber.load16s;
const LOAD32 = opNumber.load32;
const LOADF32 = opNumber.loadF32;
const LOADF64 = opNumber.loadF64;
const STORE8 = opNumber.store8;
const STORE16 = opNumber.store16;
const STORE32 = opNumber.store32;
const STOREF32 = opNumber.storeF32;
const STOREF64 = opNumber.storeF64;
const CHECK_ALIGN = opNumber.checkAlign;
const CHECK_ACCESS = opNumber.checkAccess;
const HOST_LOAD32 = opNumber.hostLoad32;
const HOST_STORE32 = opNumber.hostStore32;
const ADD = opNumber.add;
const SUB = opNumber.sub;
const AND = opNumber.and;
const OR = opNumber.or;
const XOR = opNumber.xor;
const SHL = opNumber.shl;
const SHR = opNumber.shr;
const SAR = opNumber.sar;
const EQ = opNumber.eq;
const NE = opNumber.ne;
const LTU = opNumber.ltU;
const LEU = opNumber.leU;
const LTS = opNumber.ltS;
const LES = opNumber.leS;
const EQZ = opNumber.eqz;
const OVERFLOW = opNumber.overflow;
const OVERFLOW_SUB = opNumber.overflowSub;
const CARRY = opNumber.carry;
const SELECT = opNumber.select;

const { READ, WRITE, CODE } = Permission;
const OFFSET_MASK = PAGE_SIZE - 1;

/** Index of the guest instruction that holds flattened position `p`, or -1 before the first. */
const insnAt = (code: ColdCode, p: number): number => {
  let index = code.insnStart.length - 1;
  while (index >= 0 && (code.insnStart[index] as number) > p) index--;
  return index;
};

/** Leaves in the middle: PC at the instruction that did not complete, its fuel and that of all after it given back. */
const leaveAt = (code: ColdCode, w: Int32Array, p: number, reason: number): number => {
  const index = insnAt(code, p);
  w[Word.FUEL] = (w[Word.FUEL] as number) + code.insnCount - Math.max(index, 0);
  setPc(code, w, index);
  return reason;
};

const setPc = (code: ColdCode, w: Int32Array, index: number): void => {
  w[Word.PC] = index < 0 ? locationPc(code.location) : (code.insnPc[index] as number);
  w[Word.THUMB] = locationIsThumb(code.location) ? 1 : 0;
  w[Word.ITSTATE] = index <= 0 ? locationItState(code.location) : (code.itStates?.get(w[Word.PC] >>> 0) ?? 0);
};

/** Whether all of [addr, addr + size) may be accessed; if not, says where and how in the fault words. */
const check = (memory: GuestMemory, w: Int32Array, addr: number, size: number, permission: number): boolean => {
  const { permissions } = memory;
  const first = addr >>> PAGE_SHIFT;
  const last = ((addr + size - 1) >>> 0) >>> PAGE_SHIFT;
  const firstFails = ((permissions[first] as number) & permission) === 0;
  if (!firstFails && ((permissions[last] as number) & permission) !== 0) return true;
  w[Word.FAULT_ADDR] = firstFails ? addr : last << PAGE_SHIFT;
  w[Word.FAULT_KIND] = permission === WRITE ? FaultKind.WRITE : FaultKind.READ;
  return false;
};

/** A store of `size` bytes that the fast test refused: checks both pages and tells who watches code. */
const storeSlow = (
  memory: GuestMemory,
  w: Int32Array,
  addr: number,
  size: number,
  low: number,
  high: number,
): boolean => {
  if (!check(memory, w, addr, size, WRITE)) return false;
  if (size === 1) memory.u8[addr] = low;
  else if (size === 2) memory.view.setUint16(addr, low & 0xffff, true);
  else memory.view.setInt32(addr, low, true);
  if (size === 8) memory.view.setInt32(addr + 4, high, true);
  memory.announceWrite(addr, size);
  return true;
};

/**
 * Runs one block to its end and returns an ExitReason. With NEXT, `machine.exit` tells the way out; PC, THUMB and
 * ITSTATE are set for every reason.
 */
export const runBlock = (cold: ColdCode, machine: Machine): number => {
  const code = cold.code;
  const w = machine.words;
  const memory = machine.memory;
  const { permissions, i32, u8 } = memory;
  for (let p = 0; ; p += STRIDE) {
    const op = code[p] as number;
    const d = code[p + 1] as number;
    const a = code[p + 2] as number;
    const b = code[p + 3] as number;
    const imm = code[p + 5] as number;
    switch (op) {
      case MOVE:
        w[d] = w[a] as number;
        break;
      case MOVE_WIDE:
        w[d] = w[a] as number;
        w[d + 1] = w[a + 1] as number;
        break;
      case ADD:
        w[d] = add(w[a] as number, w[b] as number, 0, 0);
        break;
      case SUB:
        w[d] = sub(w[a] as number, w[b] as number, 0, 0);
        break;
      case AND:
        w[d] = and(w[a] as number, w[b] as number, 0, 0);
        break;
      case OR:
        w[d] = or(w[a] as number, w[b] as number, 0, 0);
        break;
      case XOR:
        w[d] = xor(w[a] as number, w[b] as number, 0, 0);
        break;
      case SHL:
        w[d] = shl(w[a] as number, w[b] as number, 0, 0);
        break;
      case SHR:
        w[d] = shr(w[a] as number, w[b] as number, 0, 0);
        break;
      case SAR:
        w[d] = sar(w[a] as number, w[b] as number, 0, 0);
        break;
      case EQ:
        w[d] = eq(w[a] as number, w[b] as number, 0, 0);
        break;
      case NE:
        w[d] = ne(w[a] as number, w[b] as number, 0, 0);
        break;
      case LTU:
        w[d] = ltU(w[a] as number, w[b] as number, 0, 0);
        break;
      case LEU:
        w[d] = leU(w[a] as number, w[b] as number, 0, 0);
        break;
      case LTS:
        w[d] = ltS(w[a] as number, w[b] as number, 0, 0);
        break;
      case LES:
        w[d] = leS(w[a] as number, w[b] as number, 0, 0);
        break;
      case EQZ:
        w[d] = eqz(w[a] as number, 0, 0, 0);
        break;
      case OVERFLOW:
        w[d] = overflow(w[a] as number, w[b] as number, w[code[p + 4] as number] as number, 0);
        break;
      case OVERFLOW_SUB:
        w[d] = overflowSub(w[a] as number, w[b] as number, w[code[p + 4] as number] as number, 0);
        break;
      case CARRY:
        w[d] = carry(w[a] as number, w[b] as number, w[code[p + 4] as number] as number, 0);
        break;
      case SELECT:
        w[d] = select(w[a] as number, w[b] as number, w[code[p + 4] as number] as number, 0);
        break;
      case IF:
        if (w[a] === 0) p = imm - STRIDE;
        break;
      case BRANCH:
        if (w[a] === 0) p = imm - STRIDE;
        break;
      case LOADF32:
      case LOAD32: {
        const addr = (w[a] as number) >>> 0;
        if ((addr & 3) === 0 && ((permissions[addr >>> PAGE_SHIFT] as number) & READ) !== 0)
          w[d] = i32[addr >>> 2] as number;
        else if (check(memory, w, addr, 4, READ)) w[d] = memory.view.getInt32(addr, true);
        else return leaveAt(cold, w, p, ExitReason.FAULT);
        break;
      }
      case LOAD8U:
      case LOAD8S: {
        const addr = (w[a] as number) >>> 0;
        if (!check(memory, w, addr, 1, READ)) return leaveAt(cold, w, p, ExitReason.FAULT);
        const byte = u8[addr] as number;
        w[d] = op === LOAD8U ? byte : (byte << 24) >> 24;
        break;
      }
      case LOAD16U:
      case LOAD16S: {
        const addr = (w[a] as number) >>> 0;
        if (!check(memory, w, addr, 2, READ)) return leaveAt(cold, w, p, ExitReason.FAULT);
        w[d] = op === LOAD16U ? memory.view.getUint16(addr, true) : memory.view.getInt16(addr, true);
        break;
      }
      case LOADF64: {
        const addr = (w[a] as number) >>> 0;
        if (!check(memory, w, addr, 8, READ)) return leaveAt(cold, w, p, ExitReason.FAULT);
        w[d] = memory.view.getInt32(addr, true);
        w[d + 1] = memory.view.getInt32(addr + 4, true);
        break;
      }
      case STOREF32:
      case STORE32: {
        const addr = (w[a] as number) >>> 0;
        if ((addr & 3) === 0 && ((permissions[addr >>> PAGE_SHIFT] as number) & (WRITE | CODE)) === WRITE)
          i32[addr >>> 2] = w[b] as number;
        else if (!storeSlow(memory, w, addr, 4, w[b] as number, 0)) return leaveAt(cold, w, p, ExitReason.FAULT);
        break;
      }
      case STORE8: {
        const addr = (w[a] as number) >>> 0;
        if (((permissions[addr >>> PAGE_SHIFT] as number) & (WRITE | CODE)) === WRITE) u8[addr] = w[b] as number;
        else if (!storeSlow(memory, w, addr, 1, w[b] as number, 0)) return leaveAt(cold, w, p, ExitReason.FAULT);
        break;
      }
      case STORE16: {
        const addr = (w[a] as number) >>> 0;
        const fast = (addr & OFFSET_MASK) !== OFFSET_MASK;
        if (fast && ((permissions[addr >>> PAGE_SHIFT] as number) & (WRITE | CODE)) === WRITE)
          memory.view.setUint16(addr, (w[b] as number) & 0xffff, true);
        else if (!storeSlow(memory, w, addr, 2, w[b] as number, 0)) return leaveAt(cold, w, p, ExitReason.FAULT);
        break;
      }
      case STOREF64: {
        const addr = (w[a] as number) >>> 0;
        if (!storeSlow(memory, w, addr, 8, w[b] as number, w[b + 1] as number))
          return leaveAt(cold, w, p, ExitReason.FAULT);
        break;
      }
      case CHECK_ALIGN:
        if (((w[a] as number) & imm) !== 0) {
          w[Word.FAULT_ADDR] = w[a] as number;
          w[Word.FAULT_KIND] = FaultKind.ALIGNMENT;
          return leaveAt(cold, w, p, ExitReason.FAULT);
        }
        break;
      case CHECK_ACCESS:
        if (!check(memory, w, (w[a] as number) >>> 0, imm, code[p + 4] === 1 ? WRITE : READ))
          return leaveAt(cold, w, p, ExitReason.FAULT);
        break;
      case HOST_LOAD32:
        w[d] = i32[(((w[a] as number) >>> 0) + imm) >>> 2] as number;
        break;
      case HOST_STORE32:
        i32[(((w[a] as number) >>> 0) + imm) >>> 2] = w[b] as number;
        break;
      case ENTER:
        if ((w[Word.FUEL] as number) <= 0) {
          setPc(cold, w, -1);
          return ExitReason.YIELD;
        }
        w[Word.FUEL] = (w[Word.FUEL] as number) - imm;
        break;
      case TO:
        machine.exit = d;
        w[Word.PC] = a;
        w[Word.THUMB] = b;
        w[Word.ITSTATE] = code[p + 4] as number;
        return ExitReason.NEXT;
      case INDIRECT: {
        const target = w[a] as number;
        machine.exit = EXIT_INDIRECT;
        w[Word.PC] = target & ~1;
        w[Word.THUMB] = target & 1;
        w[Word.ITSTATE] = 0;
        return ExitReason.NEXT;
      }
      case STOP:
        w[Word.PC] = a;
        w[Word.THUMB] = b;
        w[Word.ITSTATE] = code[p + 4] as number;
        return d;
      case TRAP_IF:
        if (w[a] !== 0) return leaveAt(cold, w, p, imm);
        break;
      case TRAP:
        return leaveAt(cold, w, p, imm);
      case CALLOUT:
        setPc(cold, w, insnAt(cold, p));
        machine.callout(imm);
        break;
      default: {
        const compute = FLOATING[op];
        if (compute === undefined) {
          w[d] = (PURE[op] as PureFunction)(w[a] as number, w[b] as number, w[code[p + 4] as number] as number, imm);
        } else {
          compute(machine.fpscr, w, d, a, b, code[p + 4] as number, imm, code[p + 4] as number);
        }
      }
    }
  }
};
