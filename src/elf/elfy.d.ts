/** The part of elfy 1.0 used here. Its reader throws bare `Error`, `RangeError` and `TypeError` on bad input. */
declare module 'elfy' {
  export interface ElfyHeader {
    class: '32' | '64';
    endian: 'lsb' | 'msb';
    type: string | undefined;
    machine: string | undefined;
    entry: number;
    phoff: number;
    shoff: number;
    flags: number;
    phentsize: number;
    phnum: number;
    shentsize: number;
    shnum: number;
    shstrndx: number;
  }
  export interface ElfyProgram {
    type: string | undefined;
    offset: number;
    vaddr: number;
    filesz: number;
    memsz: number;
    flags: Record<string, boolean>;
    align: number;
    data: Buffer;
  }
  export interface ElfySection {
    name: number;
    type: string | number;
    flags: Record<string, boolean>;
    addr: number;
    off: number;
    size: number;
    link: number;
    data: Buffer;
  }
  export interface Parser {
    parseHeader(bytes: Buffer): ElfyHeader;
    parsePrograms(bytes: Buffer, header: ElfyHeader): ElfyProgram[];
    parseSections(bytes: Buffer, header: ElfyHeader): ElfySection[];
  }
  const elfy: { readonly Parser: new () => Parser };
  export default elfy;
}
