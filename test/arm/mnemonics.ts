/** What Capstone calls the instruction of a row: the check that our decoder and LLVM's mean the same one. */
import type { Row } from '../../src/arm/encoding.js';

const CONDITIONS = '(eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al)?';

/** Rows whose mnemonic is not the first word of their name. Aliases are LLVM's preferred spellings. */
const SPELLINGS: Record<string, string> = {
  MOV: 'mov|movw|lsl|lsr|asr|ror|rrx|nop',
  MOVW: 'movw|mov',
  LSL: 'lsl|mov',
  ADD: 'add|addw|adr',
  ADDW: 'addw|add|adr',
  SUB: 'sub|subw|adr',
  SUBW: 'subw|sub|adr',
  ADR: 'adr|add|sub|addw|subw',
  RSB: 'rsb|neg',
  LDM: 'ldm|ldmib|ldmda|ldmdb|pop',
  STM: 'stm|stmib|stmda|stmdb|push',
  LDMDB: 'ldmdb',
  STMDB: 'stmdb|push',
  LDR: 'ldr|pop',
  STR: 'str|push',
  IT: 'it[te]*',
  PKH: 'pkhbt|pkhtb',
  SWP: 'swp|swpb',
  SMLAxy: 'smla[bt][bt]',
  SMULxy: 'smul[bt][bt]',
  SMLALxy: 'smlal[bt][bt]',
  SMLAWy: 'smlaw[bt]',
  SMULWy: 'smulw[bt]',
  SMLAD: 'smladx?',
  SMUAD: 'smuadx?',
  SMLSD: 'smlsdx?',
  SMUSD: 'smusdx?',
  SMLALD: 'smlaldx?',
  SMLSLD: 'smlsldx?',
  SMMUL: 'smmulr?',
  SMMLA: 'smmlar?',
  SMMLS: 'smmlsr?',
  NOP: 'nop|yield|wfe|wfi|sevl?|dbg|hint|esb|csdb|tsb|psb|bti|pacg|aut\\w*|pac\\w*',
  CPS: 'cps(ie|id)?',
  PLD: 'pldw?',
  DSB: 'dsb|ssbb|pssbb|dfb',
  UDF: 'udf|trap',
  VLDM: 'vldm(ia|db)|vpop|fldm(ia|db)x',
  VSTM: 'vstm(ia|db)|vpush|fstm(ia|db)x',
  VCVT: 'vcvt|vcvtr',
};

/** The operations a row's name lists, e.g. `VCMP, VCMPE A1`; encodings and types (A1, F32) are not among them. */
const operationsOf = (row: Row): string[] =>
  (row.name.match(/[A-Za-z][A-Za-z0-9]*/g) ?? []).filter((word) => !/^([ATF]\d+|[a-z]+)$/.test(word));

/** Whether Capstone's mnemonic names the operation of this row; its type suffixes and condition do not matter. */
export const isMnemonicOf = (row: Row, mnemonic: string): boolean => {
  const bare = mnemonic.replace(/\..*$/, '');
  const spellings = operationsOf(row).map((operation) => SPELLINGS[operation] ?? operation.toLowerCase());
  return new RegExp(`^(${spellings.join('|')})s?${CONDITIONS}$`).test(bare);
};
