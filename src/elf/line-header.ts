/**
 * The header of a unit of `.debug_line`: DWARF 2 to 5 (DWARF Debugging Information Format, section 6.2.4). File names are
 * put together with their directories; what the compilation directory was stands elsewhere and is left out.
 */
import { ByteCursor, OutOfBytes } from './byte-cursor.js';
import { readString } from './strings.js';

/** The sections strings may stand in. */
export interface LineStrings {
  readonly debugStr: Uint8Array;
  readonly debugLineStr: Uint8Array;
}

export interface LineHeader {
  /** Index of the first byte of the program, and past its last. */
  readonly programAt: number;
  readonly end: number;
  readonly minInstructionLength: number;
  readonly defaultIsStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Operands of the standard opcodes, from 1 on. */
  readonly opcodeLengths: readonly number[];
  /** By the number the program uses; holes are empty. */
  readonly files: string[];
}

const Form = {
  DATA2: 0x05,
  DATA4: 0x06,
  DATA8: 0x07,
  STRING: 0x08,
  BLOCK: 0x09,
  DATA1: 0x0b,
  STRP: 0x0e,
  UDATA: 0x0f,
  DATA16: 0x1e,
  LINE_STRP: 0x1f,
} as const;
const CONTENT_PATH = 1;
const CONTENT_DIRECTORY = 2;

export const joinPath = (directory: string, name: string): string =>
  directory === '' || name.startsWith('/') ? name : `${directory}/${name}`;

class HeaderReader {
  private readonly cursor: ByteCursor;
  private readonly strings: LineStrings;
  private readonly offsetBytes: number;

  constructor(cursor: ByteCursor, strings: LineStrings, offsetBytes: number) {
    this.cursor = cursor;
    this.strings = strings;
    this.offsetBytes = offsetBytes;
  }

  offset(): number {
    return this.offsetBytes === 8 ? this.cursor.u64() : this.cursor.u32();
  }

  /** DWARF 2 to 4: directories from 1 on, then files from 1 on. */
  oldFiles(): string[] {
    const { cursor } = this;
    const directories = [''];
    for (let name = cursor.string(); name !== ''; name = cursor.string()) directories.push(name);
    const files = [''];
    for (let name = cursor.string(); name !== ''; name = cursor.string()) {
      files.push(joinPath(directories[cursor.uleb()] ?? '', name));
      cursor.uleb();
      cursor.uleb();
    }
    return files;
  }

  /** DWARF 5: both from 0 on, each entry in a format that is described first. */
  files(): string[] {
    const directories = this.entries().map(({ path }) => path);
    return this.entries().map(({ path, directory }) => joinPath(directories[directory] ?? '', path));
  }

  private entries(): { path: string; directory: number }[] {
    const { cursor } = this;
    const formats = Array.from({ length: cursor.u8() }, () => [cursor.uleb(), cursor.uleb()] as const);
    const count = cursor.uleb();
    const found: { path: string; directory: number }[] = [];
    for (let i = 0; i < count && formats.length > 0; i++) {
      const entry = { path: '', directory: 0 };
      for (const [content, form] of formats) {
        const value = this.value(form);
        if (content === CONTENT_PATH) entry.path = String(value);
        else if (content === CONTENT_DIRECTORY) entry.directory = Number(value);
      }
      found.push(entry);
    }
    return found;
  }

  private value(form: number): number | string {
    const { cursor, strings } = this;
    switch (form) {
      case Form.STRING:
        return cursor.string();
      case Form.STRP:
        return readString(strings.debugStr, this.offset());
      case Form.LINE_STRP:
        return readString(strings.debugLineStr, this.offset());
      case Form.DATA1:
        return cursor.u8();
      case Form.DATA2:
        return cursor.u16();
      case Form.DATA4:
        return cursor.u32();
      case Form.DATA8:
        return cursor.u64();
      case Form.DATA16:
        return cursor.skip(16);
      case Form.UDATA:
        return cursor.uleb();
      case Form.BLOCK:
        return cursor.skip(cursor.uleb());
      default:
        throw new OutOfBytes();
    }
  }
}

/** Where the unit at `at` ends; undefined when the section ends first. */
export const unitEnd = (section: Uint8Array, at: number): number | undefined => {
  if (at + 4 > section.length) return undefined;
  const cursor = new ByteCursor(section, at);
  const length = cursor.u32();
  if (length !== 0xffff_ffff) return Math.min(section.length, cursor.at + length);
  return cursor.at + 8 > section.length ? undefined : Math.min(section.length, cursor.u64() + cursor.at);
};

/** Reads the header at `at`; undefined for a version nobody knows. Throws OutOfBytes. */
export const readLineHeader = (
  section: Uint8Array,
  at: number,
  end: number,
  strings: LineStrings,
): LineHeader | undefined => {
  const cursor = new ByteCursor(section, at, end);
  const offsetBytes = cursor.u32() === 0xffff_ffff ? 8 : 4;
  if (offsetBytes === 8) cursor.skip(8);
  const version = cursor.u16();
  if (version < 2 || version > 5) return undefined;
  if (version === 5) cursor.skip(2);
  const reader = new HeaderReader(cursor, strings, offsetBytes);
  const headerLength = reader.offset();
  const programAt = cursor.at + headerLength;
  const minInstructionLength = cursor.u8();
  if (version >= 4) cursor.u8();
  const defaultIsStatement = cursor.u8() !== 0;
  const [lineBase, lineRange, opcodeBase] = [cursor.i8(), cursor.u8(), cursor.u8()];
  const opcodeLengths = [0, ...Array.from({ length: Math.max(0, opcodeBase - 1) }, () => cursor.u8())];
  const files = version === 5 ? reader.files() : reader.oldFiles();
  const shape = { minInstructionLength, defaultIsStatement, lineBase, lineRange, opcodeBase, opcodeLengths };
  return { programAt, end, ...shape, files };
};
