/** Unicorn over FFI as an oracle for single instructions: a Cortex-A15 in user mode with VFP on. */
import koffi from 'koffi';

const UC_ARCH_ARM = 1;
const UC_MODE_ARM = 0;
const UC_CTL_CPU_MODEL_WRITE = 7 | (1 << 26) | (1 << 30);
const CORTEX_A15 = 17;
const REG_CPSR = 3;
const REG_FPEXC = 4;
const REG_FPSCR = 6;
const REG_D0 = 14;
const REG_R0 = 66;
const REG_SP = 12;
const REG_LR = 10;
const FPEXC_EN = 0x4000_0000;
const USER_MODE = 0x10;

export const UC_OK = 0;
export const UC_READ_UNMAPPED = 6;
export const UC_WRITE_UNMAPPED = 7;
export const UC_INSN_INVALID = 10;
export const UC_WRITE_PROTECTED = 12;

export const PROT_READ_EXECUTE = 5;
export const PROT_READ_WRITE = 3;

/** Order of the 64-bit register slots: r0..r14, CPSR, FPSCR, d0..d31. */
const REGISTERS = [
  ...Array.from({ length: 13 }, (_, n) => REG_R0 + n),
  REG_SP,
  REG_LR,
  REG_CPSR,
  REG_FPSCR,
  ...Array.from({ length: 32 }, (_, n) => REG_D0 + n),
];
export const SLOT_CPSR = 15;
export const SLOT_FPSCR = 16;
export const SLOT_D0 = 17;

const bind = () => {
  const lib = koffi.load('libunicorn.so.2');
  return {
    open: lib.func('int uc_open(int arch, int mode, _Out_ void **uc)'),
    close: lib.func('int uc_close(void *uc)'),
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
  /** Two words per register, as REGISTERS orders them. Written to the machine by `run` and read back after it. */
  readonly slots: Int32Array;
  private readonly api = bind();
  private readonly uc: unknown;
  private readonly ids = Int32Array.from(REGISTERS);
  private readonly pointers: BigUint64Array;
  /** Native memory the machine works on must outlive it. */
  private readonly owned: unknown[] = [];

  constructor() {
    const out: unknown[] = [null];
    check(this.api.open(UC_ARCH_ARM, UC_MODE_ARM, out));
    this.uc = out[0];
    check(this.api.ctl(this.uc, UC_CTL_CPU_MODEL_WRITE, 'int', CORTEX_A15));
    check(this.api.writeRegister(this.uc, REG_FPEXC, Uint32Array.of(FPEXC_EN)));
    // SP and LR are banked: the mode must be right before they are written.
    check(this.api.writeRegister(this.uc, REG_CPSR, Uint32Array.of(USER_MODE)));
    const { address, view } = this.allocate(REGISTERS.length * 8);
    this.slots = new Int32Array(view);
    this.pointers = BigUint64Array.from(REGISTERS, (_, k) => address + BigInt(k * 8));
  }

  /** Maps memory at a guest address; the bytes are the machine's own. */
  map(guest: number, sizeBytes: number, protection: number): Uint8Array {
    const { address, view } = this.allocate(sizeBytes + 4096);
    const offset = Number(-address & 4095n);
    check(this.api.mapPointer(this.uc, guest, sizeBytes, protection, address + BigInt(offset)));
    return new Uint8Array(view, offset, sizeBytes);
  }

  private allocate(sizeBytes: number): { address: bigint; view: ArrayBuffer } {
    const pointer = koffi.alloc('uint8_t', sizeBytes);
    this.owned.push(pointer);
    return { address: BigInt(koffi.address(pointer)), view: koffi.view(pointer, sizeBytes) as ArrayBuffer };
  }

  /** Runs one instruction of four bytes from `slots` to `slots`; gives Unicorn's error number. */
  run(address: number, thumb: boolean): number {
    const { api, uc, ids, pointers } = this;
    check(api.writeBatch(uc, ids, pointers, ids.length));
    const status = api.start(uc, address + (thumb ? 1 : 0), address + 4, 0, 0);
    check(api.readBatch(uc, ids, pointers, ids.length));
    return status;
  }
}
