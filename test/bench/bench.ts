/**
 * `npm run bench -- [options]`: every workload under qemu-arm, under armstalk untraced and under armstalk with every call
 * and return recorded, interleaved; medians, ratios to qemu-arm in the same run, geometric means. A workload whose output
 * differs from qemu-arm's gets no figure. `--size 0.01 --rounds 1` takes about two minutes on the cold tier.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { TraceReader } from '../../src/trace/reader.js';
import { isBuilt, runJs, sample } from '../support/cli.js';
import { type BenchOptions, BenchUsageError, benchOptions, USAGE } from './bench-options.js';
import { geometricMean, type Measurement, measure, median } from './measure.js';
import { type Workload, workloads } from './workloads.js';

const readOptions = (): BenchOptions => {
  try {
    return benchOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof BenchUsageError)) throw error;
    process.stderr.write(`bench: ${error.message}\n${USAGE}`);
    process.exit(2);
  }
};

const options = readOptions();

interface Row {
  readonly name: string;
  readonly qemuSeconds: number;
  readonly untraced?: number;
  readonly traced?: number;
  readonly peakBytes?: number;
  readonly events?: number;
  readonly bytesPerEvent?: number;
  /** Why there is no figure. */
  readonly problem?: string;
}

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-bench-'));
const trace = join(scratch, 'trace.pb');
const rounds = Number(options.rounds);
const runFlags = options['run-flags'].split(' ').filter((word) => word !== '');
const say = (text: string): void => {
  process.stderr.write(text);
};

const qemu = ({ program, args, argv0 }: Workload): Promise<Measurement> =>
  measure('qemu-arm', [...(argv0 === undefined ? [] : ['-0', argv0]), program, ...args]);

const ours = ({ program, args, argv0 }: Workload, how: readonly string[]): Promise<Measurement> => {
  const name = argv0 === undefined ? [] : ['--argv0', argv0];
  return measure(process.execPath, [runJs, 'run', '-q', ...how, ...runFlags, ...name, program, '--', ...args]);
};

/** Calls and returns in the trace. */
const countEvents = async (): Promise<number> => {
  for await (const item of TraceReader.open(trace).items({ decode: false })) {
    if (item.type === 'end') return (item.end.kindCounts[0] ?? 0) + (item.end.kindCounts[1] ?? 0);
  }
  return 0;
};

const benchmark = async (workload: Workload): Promise<Row> => {
  const { name } = workload;
  const runs: [qemu: Measurement, untraced: Measurement, traced: Measurement][] = [];
  for (let round = 0; round < rounds; round++) {
    const reference = await qemu(workload);
    const untraced = await ours(workload, ['--no-trace']);
    const traced = await ours(workload, ['-e', 'call,ret', '-o', trace]);
    for (const [how, { outcome }] of [
      ['untraced', untraced],
      ['traced', traced],
    ] as const) {
      if (outcome === reference.outcome) continue;
      return {
        name,
        qemuSeconds: reference.seconds,
        problem: `${how} output differs: ${outcome} for ${reference.outcome}`,
      };
    }
    runs.push([reference, untraced, traced]);
  }
  const seconds = (column: 0 | 1 | 2): number => median(runs.map((run) => run[column].seconds));
  const events = await countEvents();
  return {
    name,
    qemuSeconds: seconds(0),
    untraced: seconds(1),
    traced: seconds(2),
    peakBytes: Math.max(...runs.map(([, , { peakBytes }]) => peakBytes)),
    events,
    ...(events === 0 ? {} : { bytesPerEvent: statSync(trace).size / events }),
  };
};

/** Medians of eleven runs each, interleaved, in milliseconds. */
const startUp = async (): Promise<Record<string, number>> => {
  const hello: Workload = { name: 'hello', program: sample('hello-thumb'), args: [] };
  const commands: Record<string, () => Promise<Measurement>> = {
    node: () => measure(process.execPath, ['-e', '0']),
    qemuHello: () => qemu(hello),
    tracedHello: () => ours(hello, ['-o', trace]),
  };
  const times = new Map<string, number[]>();
  let expected = '';
  for (let round = 0; round < 11; round++) {
    for (const [name, run] of Object.entries(commands)) {
      const { seconds, outcome } = await run();
      if (name === 'qemuHello') expected = outcome;
      if (name === 'tracedHello' && outcome !== expected) throw new Error(`hello differs: ${outcome} for ${expected}`);
      times.set(name, [...(times.get(name) ?? []), seconds * 1000]);
    }
  }
  return Object.fromEntries([...times].map(([name, all]) => [name, median(all)]));
};

const cell = (value: number | undefined, digits: number, width: number): string =>
  (value === undefined ? '-' : value.toFixed(digits)).padStart(width);

const printRow = (row: Row): void => {
  const { name, qemuSeconds, untraced, traced } = row;
  const ratio = (value: number | undefined) => (value === undefined ? undefined : value / qemuSeconds);
  const cells = [
    name.padEnd(14),
    cell(qemuSeconds, 3, 9),
    cell(untraced, 3, 9),
    cell(ratio(untraced), 2, 8),
    cell(traced, 3, 9),
    cell(ratio(traced), 2, 8),
    cell(row.peakBytes === undefined ? undefined : row.peakBytes / 1e6, 0, 8),
    cell(row.events === undefined ? undefined : row.events / 1e6, 2, 9),
    cell(row.bytesPerEvent, 3, 8),
  ];
  process.stdout.write(`${cells.join(' ')}${row.problem === undefined ? '' : `  ${row.problem}`}\n`);
};

const means = (rows: readonly Row[]) => {
  const ratios = (column: 'untraced' | 'traced'): number[] =>
    rows.flatMap((row) => (row[column] === undefined ? [] : [row[column] / row.qemuSeconds]));
  const untraced = ratios('untraced');
  return untraced.length === 0
    ? undefined
    : { workloads: untraced.length, untraced: geometricMean(untraced), traced: geometricMean(ratios('traced')) };
};

const main = async (): Promise<void> => {
  if (options.help) return void process.stdout.write(USAGE);
  if (!isBuilt()) throw new Error('run `npm run build` first');
  const start = await startUp();
  const set = workloads(options.isa, Number(options.size), !options['no-busybox']).filter(({ name }) =>
    new RegExp(options.filter).test(name),
  );
  process.stdout.write(
    `start-up, ms: node -e 0 ${start.node?.toFixed(0)}, qemu-arm hello ${start.qemuHello?.toFixed(0)}, ` +
      `armstalk traced hello ${start.tracedHello?.toFixed(0)}\n\n` +
      'workload         qemu s  untraced    /qemu    traced    /qemu  peak MB  M events  B/event\n',
  );
  const rows: Row[] = [];
  for (const workload of set) {
    say(`\r${workload.name}...`);
    const row = await benchmark(workload);
    say('\r                    \r');
    rows.push(row);
    printRow(row);
  }
  const mean = means(rows);
  if (mean !== undefined) {
    const { workloads: count, untraced, traced } = mean;
    process.stdout.write(
      `\ngeometric means over ${count}: untraced ${untraced.toFixed(2)}, traced ${traced.toFixed(2)} (qemu-arm 1.00)\n`,
    );
  }
  if (options.json === undefined) return;
  const report = { options, node: process.version, cpu: cpus()[0]?.model, startUpMs: start, rows, mean };
  const text = `${JSON.stringify(report, null, 2)}\n`;
  if (options.json === '-') process.stdout.write(text);
  else writeFileSync(options.json, text);
};

try {
  await main();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
