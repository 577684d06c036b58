/** Permission bits of a page. A page with none of READ, WRITE and EXECUTE is either unmapped or PROT_NONE (MAPPED). */
export const Permission = {
  NONE: 0,
  READ: 1,
  WRITE: 2,
  EXECUTE: 4,
  /** The page belongs to a mapping (tells PROT_NONE, SEGV_ACCERR, from a hole, SEGV_MAPERR). */
  MAPPED: 8,
  /** Translated code was read from this page: a write must be announced. Set by the engine only. */
  CODE: 16,
  /** The page maps a file beyond its end: an access is SIGBUS, not SIGSEGV. */
  BEYOND_EOF: 32,
} as const;
