import { type CrashReport, hex } from '../index.js';
import { escapeText } from './escape.js';

const word = (value: number): string => `0x${(value >>> 0).toString(16).padStart(8, '0')}`;

const placeText = ({ text, line }: CrashReport['pc']): string => (line === undefined ? text : `${text}  (${line})`);

const registerLines = (registers: CrashReport['registers']): string[] => {
  const cells = registers.map(([name, value]) => `${name.padStart(4)} ${word(value)}`);
  const lines: string[] = [];
  for (let at = 0; at < cells.length; at += 4) lines.push(`  ${cells.slice(at, at + 4).join('  ')}`);
  return lines;
};

/** The report of a death by signal, for people. */
export const crashText = (crash: CrashReport): string => {
  const at = crash.address === undefined ? '' : ` at address ${hex(crash.address)}`;
  const lines = [
    `armstalk: killed by ${crash.signal} (${crash.code})${at}, thread ${crash.tid}`,
    `  pc ${word(crash.pc.address)}  ${placeText(crash.pc)}`,
    `  lr ${word(crash.lr.address)}  ${placeText(crash.lr)}`,
    ...registerLines(crash.registers),
    '  backtrace:',
    ...crash.backtrace.map((place, level) => `    #${level}  ${word(place.address)}  ${placeText(place)}`),
  ];
  if (crash.disassembly.length > 0) lines.push('  code:');
  for (const { address, bytes, text, isPc } of crash.disassembly) {
    lines.push(`  ${isPc ? '=>' : '  '} ${word(address)}  ${bytes.padEnd(8)}  ${text}`);
  }
  return `${lines.map(escapeText).join('\n')}\n`;
};
