/**
 * One long run in a process of its own, with samples along the way, as JSON on standard output:
 *
 *   node --expose-gc --import tsx test/tiers/lifetime-child.ts SCENARIO TIER-OPTIONS SIZE
 *
 * `churn`: SIZE pieces of code made and discarded. `hour`: SIZE seconds of guest time. `loop`: SIZE instructions of a
 * loop. Garbage is collected before a sample is taken, so what grows is what is held.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventBatch } from '../../src/events/ring.js';
import type { EventSink } from '../../src/events/sink.js';
import { Word } from '../../src/guest/cpu-state.js';
import { Process } from '../../src/process/process.js';
import { Stalker } from '../../src/stalker/stalker.js';
import type { StalkerStats } from '../../src/stalker/stats.js';
import type { TierOptions } from '../../src/stalker/tiering.js';
import { TraceWriter } from '../../src/trace/writer.js';
import { BASE, GuestCode, STACK_TOP } from '../stalker/guest-code.js';
import { repository } from '../support/cli.js';
import { GUEST_ENV } from '../support/qemu.js';
import { compile } from '../support/toolchain.js';
import { HEADER } from '../support/trace-file.js';

export interface Sample {
  readonly stats: StalkerStats;
  readonly rss: number;
  readonly heap: number;
}

export interface LongRun {
  readonly samples: readonly Sample[];
  /** What the guest printed. */
  readonly text: string;
  readonly exitCode?: number;
  /** Events handed to the sink, and turns of the loop. */
  readonly events?: number;
  readonly turns?: number;
  readonly traceBytes?: number;
}

const CALL_AND_RET = 3;
const SAMPLES = 20;

const sample = ({ stats }: Stalker): Sample => {
  const collect = globalThis.gc as () => void;
  collect();
  collect();
  const { rss, heapUsed } = process.memoryUsage();
  return { stats: structuredClone(stats), rss, heap: heapUsed };
};

/** Runs a program; a sample for every line it prints. */
const runProgram = async (name: string, argument: string, tier: TierOptions, sink: EventSink): Promise<LongRun> => {
  const source = readFileSync(`${repository}test/tiers/programs/${name}.c`, 'utf8');
  const samples: Sample[] = [];
  let text = '';
  let stalker: Stalker | undefined;
  const guest = Process.spawn(compile(name, source, { flags: ['-O2', '-marm'] }), {
    args: [argument],
    env: GUEST_ENV,
    stdout: (chunk) => {
      text += Buffer.from(chunk).toString();
      samples.push(sample(stalker as Stalker));
    },
    createEngine: (memory) => {
      stalker = new Stalker(memory, tier);
      stalker.followNewThreads = { profile: 'precise', events: CALL_AND_RET, sink };
      return stalker;
    },
  });
  const { exitCode } = await guest.resume();
  guest.engine.drain();
  return { samples, text, exitCode: exitCode ?? -1 };
};

const churn = (size: string, tier: TierOptions) =>
  runProgram('churn', size, tier, { mask: CALL_AND_RET, process: () => {} });

/** Recorded to disk, as a user would. */
const hour = async (size: string, tier: TierOptions): Promise<LongRun> => {
  const directory = mkdtempSync(join(tmpdir(), 'armstalk-hour-'));
  const path = join(directory, 'trace.pb');
  try {
    const writer = new TraceWriter({ mask: CALL_AND_RET });
    writer.open(path, HEADER);
    const run = await runProgram('hour', size, tier, writer);
    writer.end({ reason: 'exit', exitCode: 0, clock: 0 });
    return { ...run, traceBytes: readFileSync(path).length };
  } finally {
    rmSync(directory, { recursive: true });
  }
};

const loop = async (size: string, tier: TierOptions): Promise<LongRun> => {
  const code = 'start: add r0, r0, #1\n bl leaf\n b start\nleaf: add r1, r1, r0\n bx lr';
  const { stalker, words, sink } = new GuestCode(code, { events: CALL_AND_RET, tier });
  let events = 0;
  sink.process = ({ count }: EventBatch) => {
    events += count;
  };
  words[Word.SP] = STACK_TOP;
  words[Word.PC] = BASE;
  const samples: Sample[] = [];
  for (let n = 1; n <= SAMPLES; n++) {
    while (stalker.clock < (Number(size) * n) / SAMPLES) stalker.run(100_000);
    samples.push(sample(stalker));
  }
  stalker.drain();
  return { samples, text: '', events, turns: (words[0] as number) >>> 0 };
};

const scenarios = { churn, hour, loop };
const [scenario, tier, size] = process.argv.slice(2) as [keyof typeof scenarios, string, string];
process.stdout.write(JSON.stringify(await scenarios[scenario](size, JSON.parse(tier))));
