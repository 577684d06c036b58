import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JsonLines, JsonObject } from '../../src/cli/replay-json.js';
import { FlatText, type ReplayText, StraceText, TreeText } from '../../src/cli/replay-text.js';
import { openForReplay, type ReplayOptions, record, replayTrace } from '../../src/index.js';
import { LOCK, LockTraces } from '../support/lock-traces.js';

const traces = new LockTraces();
afterAll(() => traces.remove());

beforeAll(async () => {
  await traces.record('good.pb', '4711', { probes: ['cmp_digit'] });
  await traces.record('bad.pb', '4721');
});

const tree = (): ReplayText => new TreeText({ hasHeader: false, hasColumns: false, isGrouped: true });

const replay = async (name: string, options: ReplayOptions = {}, text: ReplayText = tree()): Promise<string> => {
  let out = text.head;
  for await (const batch of replayTrace(openForReplay(traces.path(name), options.range), options)) {
    for (const line of batch) out += text.lines(line);
  }
  return out + text.tail;
};

const only = (name: string) => (info: { symbol: string }) => info.symbol === name;

describe('the call tree of the right PIN', () => {
  test('has costs, calls without callees on one line, and ends as deep as asked for', async () => {
    expect((await replay('good.pb', { filters: { only: only('main'), depth: 3 } })).replace(/\(r0.*\)/g, '()')).toBe(
      `             1000  main() {
             1000    read_pin() {
         18  1000      read();
        286  1000      strcspn();
        319  1000    } /* read_pin */
             1000    check_pin() {
         26  1000      strlen();
          5  1000      cmp_digit();
          5  1000      cmp_digit();
          5  1000      cmp_digit();
          5  1000      cmp_digit();
         25  1000      hash_pin();
        120  1000    } /* check_pin */
             1000    unlock() {
        749  1000      puts();
        754  1000    } /* unlock */
      1,205  1000  } /* main */
`,
    );
  });

  test('has the values of a probe at a function as its arguments', async () => {
    const text = await replay('good.pb', { filters: { only: only('cmp_digit') } });
    const digits = [...text.matchAll(/cmp_digit\(r0=0x(\w+), r1=0x(\w+), .*\);/g)];
    expect(digits.map(([, a, b]) => [a, b])).toEqual([...'4711'].map((digit) => [`3${digit}`, `3${digit}`]));
  });

  test('shows system calls inside the functions that make them', async () => {
    expect(await replay('good.pb', { filters: { only: only('read') } })).toBe(
      `             1000  read() {
             1000    __libc_do_syscall() {
             1000      /* read(0, "4711\\n", 15) = 5 */
          4  1000    } /* __libc_do_syscall */
         18  1000  } /* read */
`,
    );
  });

  test('shows only what leads to a function', async () => {
    const text = await replay('good.pb', { filters: { caller: only('cmp_digit'), only: only('main') } });
    expect(text.split('\n').map((line) => line.slice(19).replace(/\(r0.*\)/, '()'))).toEqual([
      'main() {',
      '  check_pin() {',
      '    cmp_digit();',
      '    cmp_digit();',
      '    cmp_digit();',
      '    cmp_digit();',
      '  } /* check_pin */',
      '} /* main */',
      '',
    ]);
  });

  test('moves callees of hidden functions up, and leaves out subtrees', async () => {
    const filters = { only: only('main'), hide: only('check_pin'), without: only('read_pin'), depth: 2 };
    const names = (await replay('good.pb', { filters })).match(/\w+(?=\()/g);
    expect(names).toEqual(['main', 'strlen', 'cmp_digit', 'cmp_digit', 'cmp_digit', 'cmp_digit', 'hash_pin', 'unlock']);
  });

  test('leaves out what cost less than asked for', async () => {
    const text = await replay('good.pb', { filters: { only: only('main'), minCost: 200, depth: 3 } });
    expect(text).toBe(
      `             1000  main() {
             1000    read_pin() {
        286  1000      strcspn();
        319  1000    } /* read_pin */
             1000    unlock() {
        749  1000      puts();
        754  1000    } /* unlock */
      1,205  1000  } /* main */
`,
    );
  });

  test('closes what still runs', async () => {
    const lines = (await replay('good.pb')).trimEnd().split('\n');
    expect(lines[0]).toBe('             1000  _start() {');
    expect(lines.at(-1)).toMatch(/^ +[\d,]+ +1000 {2}} \/\* _start: still running at exit \*\/$/);
  });
});

test('a crash says what killed the calls still open', async () => {
  await record(LOCK.replace('lock-thumb', 'crash-thumb'), {
    stdin: Buffer.alloc(0),
    stdout: () => {},
    stderr: () => {},
    output: { path: traces.path('crash.pb') },
  });
  const text = await replay('crash.pb', { filters: { only: only('main') } });
  expect(text).toMatch(/\/\* --- SIGSEGV \{si_code=1, si_addr=0x[0-9a-f]+\} at scribble\+0x[0-9a-f]+ --- \*\//);
  expect(text).toMatch(/} \/\* main: still running at exit: SIGSEGV \*\/\n$/);
});

test('--strace is strace’s', async () => {
  const text = await replay('good.pb', { view: 'notes' }, new StraceText());
  expect(text.split('\n').filter((line) => /read\(0|write|exit/.test(line))).toEqual([
    '1000 read(0, "4711\\n", 15)                  = 5',
    '1000 write(1, "unlocked\\n", 9)              = 9',
    '1000 exit_group(0)                          = ?',
    '1000 +++ exited with 0 +++',
  ]);
});

test('--flat has every event', async () => {
  const options = { view: 'flat', filters: { only: only('cmp_digit') } } as const;
  const text = await replay('good.pb', options, new FlatText({ hasHeader: true }));
  const lines = text.split('\n');
  expect(lines[0]).toBe('#      CLOCK    TID KIND    EVENT');
  expect(lines.slice(1, 5).map((line) => line.trim().split(/ +/).slice(1, 4).join(' '))).toEqual([
    '1000 call 0x1048a',
    expect.stringMatching(/^1000 (compile|block) 0x10440/),
    expect.stringMatching(/^1000 (block|ret|probe) /),
    expect.stringMatching(/^1000 (block|ret|probe) /),
  ]);
  expect(text).toMatch(/ ret {5}0x1044[0-9a-f] cmp_digit\+0x[0-9a-f] -> check_pin\+0x24\n/);
});

test('--jsonl and --json are the same records', async () => {
  const lines = (await replay('good.pb', {}, new JsonLines())).trimEnd().split('\n');
  const records = lines.map((line) => JSON.parse(line));
  const whole = JSON.parse(await replay('good.pb', {}, new JsonObject('good.pb')));
  expect(whole).toEqual({ schema: 'armstalk.replay/1', file: 'good.pb', records });
  expect(records.find((each) => each.function?.symbol === 'hash_pin')).toMatchObject({
    type: 'call',
    insns: 25,
    function: { module: 'lock-thumb', offset: expect.stringMatching(/^0x/), symbol: 'hash_pin' },
  });
  expect(records.at(-1)).toMatchObject({ type: 'end', reason: 'exit', exitCode: 0 });
});

test('a range tells what was open before, and what still is after', async () => {
  const all = JSON.parse(await replay('good.pb', { filters: { only: only('hash_pin') } }, new JsonObject(''))).records;
  const { clock } = all.find((each: { type: string }) => each.type === 'call');
  const text = await replay('good.pb', { range: { from: clock, to: clock + 30 } });
  const lines = text.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^# thread 1000 at [\d,]+ in _start > .*main > check_pin$/);
  expect(lines[1]).toMatch(/ hash_pin\(\);$/);
  expect(lines.at(-1)).toMatch(/} \/\* _start: still running here \*\/$/);
  expect(text).not.toMatch(/cmp_digit|unlock/);
});
