import { type CodeMap, demangleName, hex, type Note, probeHitText, signalName } from '../index.js';
import { escapeText } from './escape.js';

/** A rare event as a line of its own, or undefined when it is not worth one while the program runs. */
export const noteLine = (note: Note, codeMap: CodeMap): string | undefined => {
  switch (note.type) {
    case 'syscall':
      return `[${note.tid}] ${escapeText(note.text)}\n`;
    case 'signal':
      return `[${note.tid}] --- ${signalName(note.signo)} {si_code=${note.code}, si_addr=${hex(note.address)}} at ${codeMap.describe(note.pc)} ---\n`;
    case 'probe':
      return `[${note.tid}] ${escapeText(probeHitText(demangleName(codeMap.functionName(note.location)), note))}\n`;
    case 'thread':
      return note.what === 'exit' ? `[${note.tid}] +++ exited with ${note.exitCode ?? '?'} +++\n` : undefined;
    default:
      return undefined;
  }
};
