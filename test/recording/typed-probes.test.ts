import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { LiveProbes } from '../../src/cli/live-probes.js';
import { type EventSink, type Note, parseEventList, type RecordOptions, record } from '../../src/index.js';
import { compile, type FloatAbi, hasCompiler } from '../support/toolchain.js';

const SOURCE = readFileSync(new URL('probe-types.c', import.meta.url), 'utf8');
/** Of the functions of that program, as its source declares them. */
const PROTOTYPES = [...SOURCE.matchAll(/^NOINLINE ([^{]+?)\s*\{/gm)].map(([, prototype]) => prototype);

type ProbeNote = Extract<Note, { type: 'probe' }>;

/** Runs a program; gives what it printed, what `--live=probes` would have, and the notes. */
const probed = async (program: string, probes: readonly string[], options: RecordOptions = {}) => {
  let output = '';
  let live = '';
  const notes: ProbeNote[] = [];
  const listener: EventSink = {
    mask: 0,
    process: () => {},
    note: (note) => {
      if (note.type === 'probe') notes.push(note);
    },
  };
  const recording = await record(program, {
    stdin: new Uint8Array(),
    stdout: (chunk) => {
      output += Buffer.from(chunk).toString('latin1');
    },
    env: {},
    events: parseEventList('call,ret'),
    probes,
    sinks: (codeMap) => [
      listener,
      new LiveProbes(codeMap, (text) => {
        live += text.replaceAll(/^\[[0-9]+\] /gm, '');
      }),
    ],
    ...options,
  });
  return { output, live, notes, recording };
};

const builds: readonly { abi: FloatAbi; flags: readonly string[] }[] = [
  { abi: 'hard', flags: ['-O2', '-mthumb'] },
  { abi: 'hard', flags: ['-O0', '-marm'] },
  { abi: 'hard', flags: ['-O2', '-marm'] },
  { abi: 'soft', flags: ['-O2', '-marm'] },
];
const usable = builds.filter(({ abi }) => hasCompiler(abi));

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.skipIf(usable.length === 0)('probes by prototype (needs gcc-arm-linux-gnueabihf)', () => {
  test('the program declares functions of every kind', () => {
    expect(PROTOTYPES).toHaveLength(16);
  });

  describe.each(usable)('$abi float, $flags', ({ abi, flags }) => {
    const program = compile('probe-types', SOURCE, { abi, flags });

    test.each(['cold', 'auto', 'hot'] as const)(
      'show arguments and results as the program does (%s tier)',
      async (tier) => {
        const { output, live } = await probed(program, PROTOTYPES, { tier });
        expect(live.split('\n')).toEqual(output.split('\n'));
      },
    );

    test.each([2, 3, 4, 5])('show the same of functions that only DWARF %i describes', async (version) => {
      const known = compile('probe-types', SOURCE, { abi, flags: [...flags, '-g', `-gdwarf-${version}`] });
      const names = PROTOTYPES.map((prototype) => /(\w+)\s*\(/.exec(prototype as string)?.[1] as string);
      const { output, live } = await probed(known, names);
      expect(live.split('\n')).toEqual(output.split('\n'));
    });
  });
});
