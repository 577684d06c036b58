/**
 * Probes as people write them, through the command line: conditions, counts, globs, callers, the stack, memory, prototypes
 * given and built in, pointers to nothing; live, replayed, added up and exported.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runJs } from '../support/cli.js';
import { isLongRun } from '../support/long-run.js';
import { type CompileOptions, compile, hasCompiler } from '../support/toolchain.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-probe-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const SOURCE = readFileSync(new URL('probe-fields.c', import.meta.url), 'utf8');

const armstalk = (...args: readonly string[]) => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [runJs, ...args], {
    cwd: scratch,
    env: {},
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return { stdout, stderr, status };
};

const withProbes = (probes: readonly string[]): string[] => probes.flatMap((probe) => ['-p', probe]);

/** What the program says it does. */
const OUTPUT = `area -42
sum ${1 + 4 + 9 + 16 + 250 - 36}
text ${'h'.charCodeAt(0) + 'w'.charCodeAt(0) + 5}
strange 12 240
outer 2
outer 6
outer 14
outer 26
outer 42
open -1
atoi 42
`;

const builds: readonly (CompileOptions & { readonly name: string })[] = [
  { name: 'thumb -O1', flags: ['-O1', '-mthumb'] },
  // The others differ in where a compiler puts things, which the tests of prototypes try in every build.
  ...(isLongRun
    ? [
        { name: 'arm -O2', flags: ['-O2', '-marm'] },
        { name: 'arm -O0, soft float', abi: 'soft' as const, flags: ['-O0', '-marm'] },
      ]
    : []),
];
const usable = builds.filter(({ abi }) => hasCompiler(abi));

// Built here by gcc-arm-linux-gnueabihf. `npm test` installs it or stops; only a file run by hand goes without.
describe.skipIf(usable.length === 0)('probes on the command line (needs gcc-arm-linux-gnueabihf)', () => {
  describe.each(usable)('$name', (build) => {
    const program = compile('probe-fields', SOURCE, build);
    const module = basename(program);

    /** What `--live=probes` prints, without thread numbers, offsets inside functions and the program's name. */
    const live = (...probes: readonly string[]): string[] => {
      const { stdout, stderr } = armstalk('run', '-q', '--no-trace', '--live=probes', program, ...withProbes(probes));
      expect(stdout).toBe(OUTPUT);
      const text = stderr.replaceAll(/^\[1000\] /gm, '').replaceAll(`${module}!`, '');
      return text
        .replaceAll(/\+0x[0-9a-f]+(?= <| \*\/)/g, '')
        .split('\n')
        .slice(0, -1);
    };

    test('show arguments in registers and on the stack, and the result', () => {
      expect(live('sum@arg1,arg4,arg5,sp+0/d,sp+4/d,arg6/x,retval')).toEqual([
        'sum(arg1=1, arg4=4, arg5=50, sp+0=50, sp+4=-6, arg6=0xfffffffa) = 244',
      ]);
      expect(live('int sum(int a, int, unsigned c, int d, short e, signed char f)')).toEqual([
        'sum(a=1, arg2=2, c=3, d=4, e=50, f=-6) = 244',
      ]);
      expect(live('sum@r0,r1/x8,r2/o,r3/c,sp+0x4/u8')).toEqual(["sum(r0=0x1, r1=0x2, r2=03, r3='\\x04', sp+4=250)"]);
    });

    test('show memory, and follow pointers in it', () => {
      expect(live('area@*r0:8,*arg1+4:4,r0/b4,arg2')).toEqual([
        'area(*r0:8=03000000f9ffffff, *arg1+4:4=f9ffffff, r0=03000000, arg2=2)',
      ]);
      expect(live('area@arg2,if:*arg1 == 3 && *(arg1 + 4) < 0')).toEqual(['area(arg2=2)']);
      expect(live('area@arg2,if:*arg1 != 3 || *(arg1 + 4) >= 0')).toEqual([]);
    });

    test('show callers, all of them or some', () => {
      expect(live('inner@arg1,bt=2,if:arg1 == 4')).toEqual([
        'inner(arg1=4) /* from outer < main */',
        'inner(arg1=4) /* from middle < outer */',
      ]);
      const [all] = live('int area(void *p, int scale)@bt');
      expect(all).toMatch(/^area\(p=0x[0-9a-f]{8}, scale=2\) = -42 \/\* from main < .*_start \*\/$/);
      expect(live('int middle(int n)@bt=1,if:n == 2')).toEqual(['middle(n=2) = 5 /* from outer */']);
    });

    test('are hit only where a condition holds, and count those hits', () => {
      const calls = [0, 1, 1, 2, 2, 3, 3, 4, 4, 5];
      expect(live('inner@arg1')).toEqual(calls.map((n) => `inner(arg1=${n})`));
      expect(live('int inner(int n)@if:n % 2 == 1,count')).toEqual(
        calls.filter((n) => n % 2 === 1).map((n, hit) => `inner(n=${n}, count=${hit + 1}) = ${n * n}`),
      );
      expect(live('inner@arg1,if:arg1 > 3', 'inner@r0/d,if:!(r0 & 3) && r0')).toEqual([
        ...Array(2).fill(['inner(arg1=4)', 'inner(r0=4)']).flat(),
        'inner(arg1=5)',
      ]);
      expect(live('int text_two(const char *s, unsigned n)@if:s == "wo\\trld" && n - 5 == 0')).toEqual([
        `text_two(s="wo\\trld", n=5) = ${'w'.charCodeAt(0) + 5}`,
      ]);
      expect(live('int text_one(const char *s)@if:s != "hello"', 'text_one@if:lr == 0')).toEqual([]);
    });

    test('may be several at one place', () => {
      expect(live('open@bt=1', 'open@arg2/o', 'int open(const char *path)')).toEqual([
        'open(path="/nonexistent/file", flags=0) { /* from main */',
        '  open(arg2=0)',
        '  open(path="/nonexistent/file") = -1',
        '} = -1 /* open */',
      ]);
    });

    test('stand at every function a glob means', () => {
      expect(live('text_*@arg1/s')).toEqual(['text_one(arg1="hello")', 'text_two(arg1="wo\\trld")']);
      expect(live(`${module}!text_???@arg1/s,retval/x`)).toEqual([
        'text_one(arg1="hello") = 0x68',
        'text_two(arg1="wo\\trld") = 0x7c',
      ]);
      expect(live('nothing!text_*@arg1/s')).toEqual([]);
    });

    test('know the functions of the C library, and their strings and results', () => {
      expect(live('open@bt=1')).toEqual(['open(path="/nonexistent/file", flags=0) = -1 /* from main */']);
      expect(live('strtol@if:base == 10')).toHaveLength(1);
    });

    test('disturb nothing where a pointer leads nowhere', () => {
      expect(live('int strange(const char *s)')).toEqual(
        ['strange(s=<bad 0x0000000c>) = 12', 'strange(s=<bad 0xfffffff0>) = 240'].sort(),
      );
      expect(live('strange@arg1/s,*r0:4,r0/b,if:r0 == 12')).toEqual([
        'strange(arg1=<bad 0x0000000c>, *r0:4=<bad 0x0000000c>, r0=<bad 0x0000000c>)',
      ]);
      expect(live('strange@if:*r0 == 0', 'strange@if:*r0 != 0')).toEqual([]);
    });

    test('stand at addresses, offsets and what is inside of a function', () => {
      const table = armstalk('run', '-q', '-o', 'places.pb', program, '-p', 'sum');
      expect(table.status).toBe(0);
      const [, address] = /^probe +0 sum at 0x([0-9a-f]+)$/m.exec(armstalk('info', 'places.pb').stdout) ?? [];
      const entry = (Number.parseInt(address as string, 16) & ~1) >>> 0;
      for (const place of [
        `0x${entry.toString(16)}`,
        `@0x${entry.toString(16)}`,
        `${module}!0x${entry.toString(16)}`,
      ]) {
        expect(live(`${place}@arg2`), place).toEqual(['sum(arg2=2)']);
      }
      expect(live('main')).toEqual([expect.stringMatching(/^main\(argc=1, argv=0x[0-9a-f]+, envp=0x[0-9a-f]+\) = 0$/)]);
    });
  });

  describe('recorded', () => {
    const program = compile('probe-fields', SOURCE, builds[0]);
    const probes = [
      'inner@arg1,bt=1,if:arg1 == 4',
      'int strange(const char *s)',
      'open',
      'int sum(int a, int b, int c, int d, int e, int f)@count',
      'text_one@arg1/p,s0',
      'never@arg1',
    ];

    test('are the same in every tier, and say what they say live', () => {
      const traces = ['cold', 'auto', 'hot'].map((tier) => {
        const run = armstalk('run', '-o', `${tier}.pb`, '--tier', tier, program, ...withProbes(probes));
        expect(run.stderr).toContain('armstalk: warning: the probe never@arg1 matches nothing\n');
        expect(run.stderr).toMatch(/; 7 probe hits; /);
        return readFileSync(join(scratch, `${tier}.pb`));
      });
      for (const bytes of traces.slice(1)) expect(bytes.equals(traces[0] as Buffer)).toBe(true);
      expect(armstalk('info', 'cold.pb').stdout).toMatch(/^events .* probe 7 /m);
    });

    test('are arguments and results in a replay', () => {
      const { stdout } = armstalk('replay', 'auto.pb', '-F', 'main', '-D', '2', '--no-header');
      const called = (name: string) =>
        stdout
          .split('\n')
          .filter((line) => line.includes(` ${name}(`))
          .map((line) => line.slice(19));
      expect(called('sum')).toEqual(['  sum(a=1, b=2, c=3, d=4, e=50, f=-6, count=1) = 244;']);
      expect(called('open')).toEqual(['  open(path="/nonexistent/file", flags=0) = -1;']);
      expect(called('strange').sort()).toEqual([
        '  strange(s=<bad 0x0000000c>) = 12;',
        '  strange(s=<bad 0xfffffff0>) = 240;',
      ]);
    });

    test('have a type in JSON', () => {
      const rows: { probe: number; phase?: string; values: unknown }[] = armstalk('export', 'auto.pb', '--to', 'jsonl')
        .stdout.split('\n')
        .filter((line) => line.startsWith('{"type":"probe"'))
        .map((line) => JSON.parse(line));
      const of = (probe: number) => rows.filter((row) => row.probe === probe).map(({ values }) => values);
      const at = (name: string) => [expect.stringMatching(new RegExp(`!${name}\\+0x[0-9a-f]+$`))];
      expect(of(0)).toEqual([
        { arg1: 4, bt: at('outer') },
        { arg1: 4, bt: at('middle') },
      ]);
      expect(of(1)).toContainEqual({ s: { bad: '0xc' } });
      expect(of(2)).toEqual([{ path: '/nonexistent/file', flags: 0 }, { retval: -1 }]);
      expect(of(3)).toEqual([{ a: 1, b: 2, c: 3, d: 4, e: 50, f: -6, count: 1 }, { retval: 244 }]);
      expect(of(4)).toEqual([{ arg1: expect.stringMatching(/^0x/), s0: expect.any(Number) }]);
      const replayed = armstalk('replay', 'auto.pb', '-F', 'sum', '--json').stdout;
      expect(JSON.parse(replayed).records[1]).toMatchObject({ args: { a: 1, f: -6, count: 1 }, result: 244 });
    });

    test('are added up by their values', () => {
      const table: { spec: string; hits: number; values: Record<string, { value: unknown; count: number }[]> }[] =
        JSON.parse(armstalk('summarize', 'auto.pb', '--by', 'probe', '--json').stdout).probes;
      expect(table.map(({ spec, hits }) => [spec, hits])).toEqual(
        probes.map((spec, i) => [spec, [2, 2, 1, 1, 1, 0][i]]),
      );
      expect(table[0]?.values.arg1).toEqual([{ value: 4, text: '4', count: 2 }]);
      expect(table[0]?.values.bt?.map(({ value }) => value)).toHaveLength(2);
      expect(table[1]?.values.s).toContainEqual({ value: { bad: '0xc' }, text: '<bad 0x0000000c>', count: 1 });
      expect(table[2]?.values).toMatchObject({ path: [{ value: '/nonexistent/file' }], retval: [{ value: -1 }] });
    });

    test('know their callers though no calls are recorded, which stay unrecorded', () => {
      armstalk('run', '-q', '-o', 'few.pb', '-e', 'syscall', program, '-p', 'inner@bt=2,if:arg1 == 4');
      const lines = armstalk('export', 'few.pb', '--to', 'csv').stdout.split('\n');
      expect(lines.filter((line) => /,(?:call|ret),/.test(line))).toEqual([]);
      const callers = lines.filter((line) => line.includes(',probe,')).map((line) => line.match(/\w+(?=\+0x)/g));
      expect(callers).toEqual([
        ['outer', 'main'],
        ['middle', 'outer'],
      ]);
    });
  });

  describe('in C++', () => {
    const cc = readFileSync(new URL('probe-names.cc', import.meta.url), 'utf8');
    const flags = ['-O1', '-mthumb'];
    const build = (more: readonly string[]): string =>
      compile('probe-names', cc, { language: 'cc', flags: [...flags, ...more] });
    const live = (program: string, ...probes: readonly string[]): string[] => {
      const run = ['run', '--no-trace', '--live=probes', '-q', program, ...withProbes(probes)];
      return armstalk(...run)
        .stderr.replaceAll(/0xbeff[0-9a-f]+/g, 'STACK')
        .split('\n')
        .slice(0, -1)
        .map((line) => line.slice(7));
    };

    test('places have the names people read, with parameters and without', () => {
      const program = build([]);
      const names = ['geo::Shape::area(int) const', 'geo::Shape::area', '_ZNK3geo5Shape4areaEi'];
      for (const name of names) {
        expect(live(program, `${name}@arg2`), name).toEqual([
          'geo::Shape::area(int) const(arg2=5)',
          'geo::Shape::area(int) const(arg2=2)',
        ]);
      }
      expect(live(program, 'geo::area@bt=1')[0]).toMatch(
        /^geo::area\(geo::Shape const&\)\(r0=STACK, .* \/\* from .*!main\+0x/,
      );
      expect(live(program, 'geo::area+0@r0', 'area(geo::Shape const&)@r0')).toHaveLength(1);
      expect(live(program, 'geo::twice<*@arg1')).toEqual([
        'geo::twice<int>(int)(arg1=21)',
        'geo::twice<short>(short)(arg1=-4)',
      ]);
      // Of the copy that was handed over, and of the variable.
      expect(live(program, '*::~Shape()@count').map((line) => line.replace(/\(r0=.*, /, '('))).toEqual([
        'geo::Shape::~Shape()(count=1)',
        'geo::Shape::~Shape()(count=2)',
      ]);
      expect(live(program, 'geo::nothing')).toEqual([]);
    });

    test('exclusions and the place to follow from have them too', () => {
      const program = build([]);
      armstalk('run', '-q', '-o', 'cc.pb', program, '--follow-from', 'main', '--exclude', 'geo::area');
      const { stdout } = armstalk(
        'summarize',
        'cc.pb',
        '-F',
        'main',
        '-I',
        `${basename(program)}*`,
        '--csv',
        '--top',
        '0',
      );
      expect(stdout).toContain('geo::area(geo::Shape const&)');
      expect(stdout).toMatch(/^1,.*,geo::Shape::area\(int\) const$/m);
    });

    test.each(['-g', '-gdwarf-4', '-gz'])('arguments and results have the types of the source (%s)', (debug) => {
      const program = build(['-g', debug]);
      expect(
        live(program, 'geo::Shape::area', 'geo::area', 'geo::Shape::id', 'geo::twice*', 'geo::half', 'geo::value'),
      ).toEqual([
        'geo::Shape::area(int) const(this=STACK, scale=5) = 60',
        'geo::area(geo::Shape const&)(s=STACK) {',
        '  geo::Shape::area(int) const(this=STACK, scale=2) = 24',
        '} = 24 /* geo::area(geo::Shape const&) */',
        `geo::Shape::id(long long, bool, float, double, geo::Kind, char, signed char, char const*, unsigned char)(x=${2 ** 40}, b=1, g=1.5, d=2.25, k=1, c='x', sc=-3, s="str", u=200) = ${2 ** 40 + 1 + 1 + 2 + 1 + 120 - 3 + 115 + 200}`,
        'geo::twice<int>(int)(x=21) = 42',
        'geo::twice<short>(short)(x=-4) = -8',
        'geo::half(float, double)(x=3, y=0.25) = 1.75',
        expect.stringMatching(/^geo::value\(geo::Shape\)\(r0=/),
      ]);
    });
  });

  test.each([
    ['inner@if:n > 3', /speaks of n, which nothing is called\n {2}hint: known are argN, fpargN, registers\n/],
    ['int inner(int n)@if:m > 3', /speaks of m, which nothing is called\n {2}hint: .* and n\n/],
    ['inner@if:arg1 >', /cannot make sense of the expression "arg1 >"/],
    ['inner@arg0', /cannot make sense of the probe field "arg0"/],
    ['inner@arg1/q', /there is no probe format "q"/],
    ['inner+2@retval', /cannot have a retval/],
    ['int inner(struct point p)', /cannot record a struct that is passed by value/],
  ])('%s is refused', (probe, message) => {
    const program = compile('probe-fields', SOURCE, builds[0]);
    const { stdout, stderr, status } = armstalk('run', '-o', 'refused.pb', program, '-p', probe);
    expect([stdout, status]).toEqual(['', 125]);
    expect(stderr).toMatch(message);
  });

  test('--strict refuses a probe that matches nothing', () => {
    const program = compile('probe-fields', SOURCE, builds[0]);
    const { stderr, status } = armstalk('run', '--strict', '-o', 'strict.pb', program, '-p', 'never*');
    expect(status).toBe(125);
    expect(stderr).toContain('armstalk: error: the probe never* matches nothing\n');
  });
});
