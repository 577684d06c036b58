/**
 * Unicorn (Debian's libunicorn2) over FFI: an independent oracle for what one ARM instruction does. The machine is a
 * Cortex-A15 in user mode. Registers travel in one batch through `slots`.
 */
import koffi from 'koffi';

const UC_ARCH_ARM = 1;
const UC_MODE_ARM = 0;
/** uc_ctl: write, one argument, item "CPU model". */
const UC_CTL_CPU_MODEL_WRITE = 7 | (1 << 26) | (1 << 30);
const REG_CPSR = 3;
const REG_FPEXC = 4;
const REG_FPSCR = 6;
const REG_LR = 10;
const REG_PC = 11;
const REG_SP = 12;
const REG_D0 = 14;
const REG_R0 = 66;
const USER_MODE = 0x10;
const FPEXC_EN = 0x4000_0000;

/** uc_err. */
export const UC_OK = 0;
export const UC_READ_UNMAPPED = 6;
export const UC_WRITE_UNMAPPED = 7;
export const UC_FETCH_UNMAPPED = 8;
export const UC_INSN_INVALID = 10;
export const UC_WRITE_PROTECTED = 12;
export const UC_READ_PROTECTED = 13;
export const UC_FETCH_PROTECTED = 14;
export const UC_EXCEPTION = 21;

export const UC_READ_EXECUTE = 5;
export const UC_READ_WRITE = 3;

/** CPU models of uc_ctl. */
export const CORTEX_A15 = 17;
export const CPU_MAX = 33;

const READ_ORDER = [...Array.from({ length: 13 }, (_, n) => REG_R0 + n), REG_SP, REG_LR, REG_PC, REG_CPSR];
export const SLOT_PC = 15;
export const SLOT_CPSR = 16;
/** With floating point: FPSCR and d0..d31 after the others. */
const FLOATING_ORDER = [REG_FPSCR, ...Array.from({ length: 32 }, (_, n) => REG_D0 + n)];
export const SLOT_FPSCR = READ_ORDER.length;
export const SLOT_D0 = SLOT_FPSCR + 1;

const bind = () => {
  const lib = koffi.load('libunicorn.so.2');
  return {
    open: lib.func('int uc_open(int arch, int mode, _Out_ void **uc)'),
    ctl: lib.func('int uc_ctl(void *uc, int control, ...)'),
    writeRegister: lib.func('int uc_reg_write(void *uc, int reg, void *value)'),
    writeBatch: lib.func('int uc_reg_write_batch(void *uc, int *regs, void **values, int count)'),
    readBatch: lib.func('int uc_reg_read_batch(void *uc, int *regs, void **values, int count)'),
    mapPointer: lib.func('int uc_mem_map_ptr(void *uc, uint64 address, size_t size, uint32 perms, void *memory)'),
    start: lib.func('int uc_emu_start(void *uc, uint64 begin, uint64 until, uint64 timeout, size_t count)'),
  };
};

export const hasUnicorn = (): boolean => {
  try {
    koffi.load('libunicorn.so.2');
    return true;
  } catch {
    return false;
  }
};

const check = (status: number): void => {
  if (status !== UC_OK) throw new Error(`unicorn: error ${status}`);
};

export class Unicorn {
  /** Two words per register: r0..r14, pc, CPSR, and FPSCR and d0..d31 with floating point. Written to the machine by `run` (but for pc) and read back after it. */
  readonly slots: Int32Array;
  private readonly api = bind();
  private readonly uc: unknown;
  private readonly ids: Int32Array;
  private readonly pointers: BigUint64Array;
  /** CPSR goes first: SP and LR are banked by mode. The pc is an argument of `run`. */
  private readonly writeIds: Int32Array;
  private readonly writePointers: BigUint64Array;
  /** Native memory the machine works on must outlive it. */
  private readonly owned: unknown[] = [];

  constructor(cpuModel = CORTEX_A15, options: { readonly floating?: boolean } = {}) {
    const out: unknown[] = [null];
    check(this.api.open(UC_ARCH_ARM, UC_MODE_ARM, out));
    this.uc = out[0];
    check(this.api.ctl(this.uc, UC_CTL_CPU_MODEL_WRITE, 'int', cpuModel));
    check(this.api.writeRegister(this.uc, REG_CPSR, Uint32Array.of(USER_MODE)));
    if (options.floating === true) check(this.api.writeRegister(this.uc, REG_FPEXC, Uint32Array.of(FPEXC_EN)));
    const registers = options.floating === true ? [...READ_ORDER, ...FLOATING_ORDER] : READ_ORDER;
    const { address, view } = this.allocate(registers.length * 8);
    this.slots = new Int32Array(view);
    this.ids = Int32Array.from(registers);
    this.pointers = BigUint64Array.from(registers, (_, k) => address + BigInt(k * 8));
    const written = [SLOT_CPSR, ...registers.keys()].filter(
      (slot, n) => n === 0 || (slot !== SLOT_PC && slot !== SLOT_CPSR),
    );
    this.writeIds = Int32Array.from(written, (slot) => registers[slot] as number);
    this.writePointers = BigUint64Array.from(written, (slot) => this.pointers[slot] as bigint);
  }

  /** Maps memory at a guest address; the bytes are the machine's own. */
  map(guest: number, sizeBytes: number, protection: number): Uint8Array {
    const { address, view } = this.allocate(sizeBytes + 4096);
    const offset = Number(-address & 4095n);
    check(this.api.mapPointer(this.uc, guest, sizeBytes, protection, address + BigInt(offset)));
    return new Uint8Array(view, offset, sizeBytes);
  }

  /** Runs `count` instructions (0: until something stops it) at an interworking address, from `slots` to `slots`; gives Unicorn's error number. */
  run(address: number, count: number): number {
    const { api, uc } = this;
    check(api.writeBatch(uc, this.writeIds, this.writePointers, this.writeIds.length));
    const status: number = api.start(uc, address, 0xffff_ffff_ffff, 0, count);
    check(api.readBatch(uc, this.ids, this.pointers, this.ids.length));
    return status;
  }

  private allocate(sizeBytes: number): { address: bigint; view: ArrayBuffer } {
    const pointer = koffi.alloc('uint8_t', sizeBytes);
    this.owned.push(pointer);
    return { address: BigInt(koffi.address(pointer)), view: koffi.view(pointer, sizeBytes) as ArrayBuffer };
  }
}
