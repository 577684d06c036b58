/** Resource limits (getrlimit(2)): soft and hard values in the resource's unit; Infinity is RLIM_INFINITY. */
import { RLIM_NLIMITS, Rlimit } from '../abi/constants.js';

export interface ResourceLimit {
  readonly soft: number;
  readonly hard: number;
}

const UNLIMITED: ResourceLimit = { soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY };

export class ResourceLimits {
  private readonly limits: ResourceLimit[] = Array.from({ length: RLIM_NLIMITS }, () => UNLIMITED);

  constructor(stackSizeBytes: number) {
    this.limits[Rlimit.STACK] = { soft: stackSizeBytes, hard: Number.POSITIVE_INFINITY };
    this.limits[Rlimit.CORE] = { soft: 0, hard: Number.POSITIVE_INFINITY };
    this.limits[Rlimit.NOFILE] = { soft: 1024, hard: 4096 };
    this.limits[Rlimit.MEMLOCK] = { soft: 0x80_0000, hard: 0x80_0000 };
    this.limits[Rlimit.NICE] = { soft: 0, hard: 0 };
    this.limits[Rlimit.RTPRIO] = { soft: 0, hard: 0 };
  }

  /** Undefined for a resource that does not exist. */
  get(resource: number): ResourceLimit | undefined {
    return this.limits[resource];
  }

  /** False when the hard limit would rise (EPERM) . The caller has checked that the resource exists. */
  set(resource: number, limit: ResourceLimit): boolean {
    const old = this.limits[resource] as ResourceLimit;
    if (limit.hard > old.hard) return false;
    this.limits[resource] = limit;
    return true;
  }
}
