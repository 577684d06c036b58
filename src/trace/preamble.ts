/** The packet that begins a file, begins a segment, and lets a reader find its way after damage: "\n\t\tARMSTLK1". */
export const PREAMBLE = Uint8Array.from([0x0a, 0x09, 0x09, 0x41, 0x52, 0x4d, 0x53, 0x54, 0x4c, 0x4b, 0x31]);

/** `Header.format_version` of what is written. A reader refuses what is newer than it; unknown fields alone do not raise it. */
export const FORMAT_VERSION = 1;
