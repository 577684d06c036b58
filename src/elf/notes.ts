import { alignUp } from '../bits.js';
import type { ElfSection } from './elf-file.js';

const NT_GNU_BUILD_ID = 3;

export interface ElfNote {
  readonly owner: string;
  readonly type: number;
  readonly description: Uint8Array;
}

/** The notes of one PT_NOTE segment or SHT_NOTE section, up to the first that does not fit. */
export const readNotes = (bytes: Uint8Array): ElfNote[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const notes: ElfNote[] = [];
  for (let at = 0; at + 12 <= bytes.length; ) {
    const nameBytes = view.getUint32(at, true);
    const descriptionBytes = view.getUint32(at + 4, true);
    const descriptionAt = at + 12 + alignUp(nameBytes, 4);
    if (nameBytes > bytes.length || descriptionBytes > bytes.length || descriptionAt + descriptionBytes > bytes.length)
      break;
    notes.push({
      owner: Buffer.from(bytes.subarray(at + 12, at + 12 + nameBytes))
        .toString('latin1')
        .replace(/\0.*$/s, ''),
      type: view.getUint32(at + 8, true),
      description: bytes.subarray(descriptionAt, descriptionAt + descriptionBytes),
    });
    at = descriptionAt + alignUp(descriptionBytes, 4);
  }
  return notes;
};

/** The build-id among `notes` as hex digits; empty when there is none. */
export const findBuildId = (notes: readonly ElfNote[]): string => {
  const note = notes.find((candidate) => candidate.owner === 'GNU' && candidate.type === NT_GNU_BUILD_ID);
  return note === undefined ? '' : Buffer.from(note.description.subarray(0, 64)).toString('hex');
};

const SHT_NOTE = 7;

/** The build-id in a file's note sections as hex digits; empty when there is none. */
export const buildIdOf = (bytes: Uint8Array, sections: readonly ElfSection[]): string =>
  sections
    .filter((section) => section.type === SHT_NOTE)
    .map(({ offset, sizeBytes }) => findBuildId(readNotes(bytes.subarray(offset, offset + sizeBytes))))
    .find((id) => id !== '') ?? '';
