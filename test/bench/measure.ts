/** One run of a command: wall time, peak resident memory, and a digest of what it printed. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { GUEST_ENV } from '../support/qemu.js';

export interface Measurement {
  readonly seconds: number;
  /** VmHWM, polled every 20 ms; the last growth before the end may be missed. 0 for runs shorter than that. */
  readonly peakBytes: number;
  /** Exit status and SHA-256 of stdout. */
  readonly outcome: string;
}

const peakOf = (pid: number): number => {
  try {
    const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return match === null ? 0 : Number(match[1]) * 1024;
  } catch {
    return 0;
  }
};

export const measure = (command: string, args: readonly string[]): Promise<Measurement> =>
  new Promise((resolve, reject) => {
    const digest = createHash('sha256');
    const started = process.hrtime.bigint();
    const child = spawn(command, args, { env: { ...GUEST_ENV }, stdio: ['ignore', 'pipe', 'pipe'] });
    let peakBytes = 0;
    const timer = setInterval(() => {
      peakBytes = Math.max(peakBytes, peakOf(child.pid as number));
    }, 20);
    child.on('error', reject);
    child.stdout.on('data', (chunk: Buffer) => digest.update(chunk));
    child.stderr.resume();
    child.on('close', (code, signal) => {
      clearInterval(timer);
      const seconds = Number(process.hrtime.bigint() - started) / 1e9;
      resolve({ seconds, peakBytes, outcome: `${code ?? signal} ${digest.digest('hex').slice(0, 16)}` });
    });
  });

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
};

export const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
