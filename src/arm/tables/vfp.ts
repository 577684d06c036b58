import type { Row } from '../encoding.js';

export const VFP_A32: Row[] = [];
export const VFP_T32: Row[] = [];
