/** The auxiliary vector (linux/auxvec.h) and what the program is told about the CPU. */
export const Auxv = {
  NULL: 0,
  PHDR: 3,
  PHENT: 4,
  PHNUM: 5,
  PAGESZ: 6,
  BASE: 7,
  FLAGS: 8,
  ENTRY: 9,
  UID: 11,
  EUID: 12,
  GID: 13,
  EGID: 14,
  PLATFORM: 15,
  HWCAP: 16,
  CLKTCK: 17,
  SECURE: 23,
  RANDOM: 25,
  HWCAP2: 26,
  EXECFN: 31,
} as const;

/** AT_HWCAP bits by the name /proc/cpuinfo gives them (asm/hwcap.h). */
export const Hwcap = {
  swp: 1 << 0,
  half: 1 << 1,
  thumb: 1 << 2,
  fastmult: 1 << 4,
  vfp: 1 << 6,
  edsp: 1 << 7,
  neon: 1 << 12,
  vfpv3: 1 << 13,
  vfpv3d16: 1 << 14,
  tls: 1 << 15,
  vfpv4: 1 << 16,
  idiva: 1 << 17,
  idivt: 1 << 18,
  vfpd32: 1 << 19,
  lpae: 1 << 20,
} as const;

/** What AT_HWCAP, AT_PLATFORM, uname and /proc/cpuinfo say; the one place that decides it. */
export interface CpuModel {
  readonly hwcap: number;
  readonly hwcap2: number;
  /** AT_PLATFORM. */
  readonly platform: string;
  /** utsname.machine. */
  readonly machine: string;
}

/** ARMv7-A with divide, VFPv4-D16 and no NEON: what the decoder implements, and more than Debian armhf asks for. */
export const ARMV7_D16: CpuModel = {
  hwcap:
    Hwcap.swp |
    Hwcap.half |
    Hwcap.thumb |
    Hwcap.fastmult |
    Hwcap.vfp |
    Hwcap.edsp |
    Hwcap.vfpv3 |
    Hwcap.vfpv3d16 |
    Hwcap.tls |
    Hwcap.vfpv4 |
    Hwcap.idiva |
    Hwcap.idivt,
  hwcap2: 0,
  platform: 'v7l',
  machine: 'armv7l',
};

/** The `Features` line of /proc/cpuinfo for this model. */
export const cpuFeatures = (model: CpuModel): string =>
  Object.entries(Hwcap)
    .filter(([, bit]) => (model.hwcap & bit) !== 0)
    .map(([name]) => name)
    .join(' ');
