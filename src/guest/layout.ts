/**
 * The address map of the one linear memory. Guest addresses are linear-memory addresses (identity mapped); everything
 * at TASK_SIZE and above belongs to the emulator and is unreachable for the guest, because no page up there has a
 * permission bit. The one exception is the kuser helper page, readable and executable at its architected address.
 */
export const TASK_SIZE = 0xc000_0000;

export const PAGE_SIZE = 4096;
export const PAGE_SHIFT = 12;
export const PAGE_COUNT = 0x10_0000;

/** One byte per guest page, see guest/memory. */
export const PERMISSION_TABLE = 0xc000_0000;

/** One byte per guest page as translated code wants it, see guest/access-table. */
export const ACCESS_TABLE = 0xc010_0000;

/** CPU state and the interpreter's value slots: see guest/cpu-state. */
export const CPU_STATE = 0xc020_0000;
export const CPU_STATE_BYTES = 0x2_0000;

/** The event ring: see events/ring. */
export const EVENT_RING = 0xc030_0000;
export const EVENT_RING_BYTES = 0x4_0000;

/** Jump cache, link cells and other tables of the translator. */
export const TRANSLATOR_DATA = 0xc040_0000;
export const TRANSLATOR_DATA_BYTES = 0xfc0_0000;

/** Shadow stacks, one area per followed thread, 512 MiB in all: see stalker/shadow-stack. */
export const SHADOW_STACKS = 0xd000_0000;

/**
 * Addresses that mean a request to the Stalker when the guest branches to them; nothing is ever mapped there. See
 * stalker/reserved.
 */
export const RESERVED_PAGE = 0xfffe_f000;

/** The architected kuser helper page. */
export const KUSER_PAGE = 0xffff_0000;
