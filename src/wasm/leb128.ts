/** Bytes the unsigned LEB128 form of a u32 takes: 1 to 5. */
export const unsignedLength = (value: number): number => {
  const width = 32 - Math.clz32(value);
  return width === 0 ? 1 : Math.ceil(width / 7);
};

/** Bytes the signed LEB128 form of an int32 takes: 1 to 5. */
export const signedLength = (value: number): number => {
  const width = 33 - Math.clz32(value < 0 ? ~value : value);
  return Math.ceil(width / 7);
};
