/**
 * The sessions people are promised, on the PIN checker, right and wrong PIN: text as it is printed, with true numbers.
 * Environment, names and lengths of paths are fixed, because a program's start costs instructions that depend on them.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runJs, sample } from '../support/cli.js';

const scratch = mkdtempSync('/tmp/armstalk-');
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A line of shell; `armstalk` is the built command line, the environment is empty. */
const shell = (line: string): { out: string; err: string; status: number | null } => {
  const script = `set -o pipefail; armstalk() { env -i '${process.execPath}' '${runJs}' "$@"; }; ${line}`;
  const { stdout, stderr, status } = spawnSync('bash', ['-c', script], { cwd: scratch, encoding: 'utf8' });
  return { out: stdout, err: stderr, status };
};

/** How well a trace is packed is not what these tests are about. */
const withoutSizes = (text: string): string => text.replace(/[\d,]+ (bytes|kB)/g, 'N $1');

beforeAll(() => {
  copyFileSync(sample('lock-thumb'), join(scratch, 'lock'));
  mkdirSync(join(scratch, 't'));
});

describe('a session', () => {
  beforeAll(() => {
    shell('echo 4711 | armstalk run -q ./lock -o good.pb -e +block');
    shell('echo 4721 | armstalk run -q ./lock -o bad.pb -e +block');
  });

  test('records', () => {
    const { out, err, status } = shell('echo 4711 | armstalk run ./lock -o again.pb -e +block');
    expect([out, status]).toEqual(['unlocked\n', 0]);
    expect(withoutSizes(err)).toMatchInlineSnapshot(`
      "armstalk: exit 0; 7,037 instructions, 160 calls, 667 blocks, 1 thread; wrote again.pb (N kB)
      "
    `);
    expect(shell('cmp good.pb again.pb').status).toBe(0);
    expect(shell('echo 4721 | armstalk run -q ./lock -o again.pb')).toEqual({ out: 'denied\n', err: '', status: 1 });
  });

  test('asks where the instructions went', () => {
    expect(shell('armstalk summarize good.pb -s self --top 6').out).toMatchInlineSnapshot(`
      "# good.pb: ./lock, build-id 01dd47ae, 7,037 insns, exit 0, complete
       CALLS  TOTAL  SELF  SELF%  FUNCTION
           1   1081   749  10.6%  ptmalloc_init.part.0
           6   1059   745  10.6%  _int_malloc
          17    446   446   6.3%  __tunable_get_val
           1    365   365   5.2%  _dl_aux_init
           9    299   299   4.2%  strlen
           5   2583   265   3.8%  malloc
      # 76 more functions, 0 lost events, deepest stack 12
      "
    `);
    expect(shell('armstalk summarize good.pb -F check_pin').out).toMatchInlineSnapshot(`
      "# good.pb: ./lock, build-id 01dd47ae, 7,037 insns, exit 0, complete
       CALLS  TOTAL  SELF  SELF%  FUNCTION
           1    120    49  40.8%  check_pin
           1     26    26  21.7%  strlen
           1     25    25  20.8%  hash_pin
           4     20    20  16.7%  cmp_digit
      # 0 lost events, deepest stack 1
      "
    `);
    expect(shell('armstalk summarize good.pb -F main --tree -D 3').out).toMatchInlineSnapshot(`
      "# good.pb: ./lock, build-id 01dd47ae, 7,037 insns, exit 0, complete
       CALLS  TOTAL  SELF  SELF%  FUNCTION
           1   1205    12   1.0%  main
           1    754     5   0.4%    unlock
           1    749   749  62.2%      puts
           1    319    15   1.2%    read_pin
           1    286   286  23.7%      strcspn
           1     18    18   1.5%      read
           1    120    49   4.1%    check_pin
           1     26    26   2.2%      strlen
           1     25    25   2.1%      hash_pin
           4     20    20   1.7%      cmp_digit
      # 0 lost events, deepest stack 2
      "
    `);
  });

  test('asks what differs', () => {
    const { out, err, status } = shell('armstalk diff good.pb bad.pb');
    expect([err, status]).toEqual(['', 1]);
    expect(out).toMatchInlineSnapshot(`
      "--- good.pb   ./lock   exit 0   7,037 insns
      +++ bad.pb    ./lock   exit 1   6,990 insns
      first divergence: thread 1000, clock 5,507, after 1,049 identical blocks
        main > check_pin                    (check_pin+0x26)
            0x10490  cbz r0, 0x104b0        r0 = return of cmp_digit
        -   fell through to 0x10492         then called cmp_digit (clock 5,512)
        +   branched to     0x104b0         then returned to main (clock 5,509)
      first system call that differs: thread 1000
      -  read(0, "4711\\n", 15) = 5 (clock 5,134)
      +  read(0, "4721\\n", 15) = 5 (clock 5,134)
      @@ main @@
           read_pin();
           check_pin() {
             strlen();
             cmp_digit();  x3
      -      cmp_digit();
      -      hash_pin();
           } /* check_pin */
      -    unlock();
      +    deny();
      functions: 2 only in old (hash_pin, unlock), 1 only in new (deny), 1 count changed (cmp_digit 4 -> 3)
      "
    `);
  });

  test('asks what happened in order', () => {
    expect(shell('armstalk replay good.pb -F main -D 3').out).toMatchInlineSnapshot(`
      "#     INSNS   TID  FUNCTION
                   1000  main() {
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
             1205  1000  } /* main */
      "
    `);
    expect(shell('armstalk replay good.pb --strace | grep -A9 "read(0" | grep -v statx').out).toMatchInlineSnapshot(`
      "1000 read(0, "4711\\n", 15)                  = 5
      1000 write(1, "unlocked\\n", 9)              = 9
      1000 exit_group(0)                          = ?
      1000 +++ exited with 0 +++
      "
    `);
  });

  test('asks in JSON', () => {
    const first =
      'armstalk diff good.pb bad.pb --json | jq -c ".first | [.thread, .clock, .commonBlocks, .at, .stack]"';
    expect(shell(first).out).toMatchInlineSnapshot(`
      "[1000,5507,1049,{"module":"lock","offset":"0x10490","symbol":"check_pin","symbolOffset":38},["main","check_pin"]]
      "
    `);
    const top =
      'armstalk summarize good.pb --json -I lock --top 1 | jq -c "[.schema, .trace.exit, .trace.insns, .functions]"';
    expect(shell(top).out).toMatchInlineSnapshot(`
      "["armstalk.summary/1",{"reason":"exit","code":0},7037,[{"symbol":"ptmalloc_init.part.0","module":"lock","offset":"0x1b700","calls":1,"returns":1,"unwound":0,"total":1081,"self":749,"max":1081,"deepest":1,"min":1081,"mean":1081}]]
      "
    `);
  });

  test('pipes', () => {
    const line = `echo 4711 | armstalk run -q -o - ./lock 2>/dev/null | armstalk summarize --json - | jq -c '.functions[0].symbol'`;
    expect(shell(line)).toEqual({
      out: shell("armstalk summarize --json good.pb | jq -c '.functions[0].symbol'").out,
      err: '',
      status: 0,
    });
    const readers = ['summarize', 'replay', 'info', 'diff good.pb', 'export --to folded', 'repair -o -'];
    for (const reader of readers) {
      const piped = shell(`armstalk ${reader} - < good.pb | sed 's/^# -:/# good.pb:/' | md5sum`);
      expect(piped, reader).toEqual(shell(`armstalk ${reader} good.pb | md5sum`));
    }
  });

  test('asks what a trace is', () => {
    expect(withoutSizes(shell('armstalk info bad.pb | grep -v ^schema').out)).toMatchInlineSnapshot(`
      "format  armstalk.v1, 1 segment, 9 packets, N bytes, complete, crc ok, nothing lost
      program ./lock  build-id 01dd47aefa961f7a527f63555e79651bfc54798c  argv ["./lock"]  exit 1
      run     6,990 instructions, 1 thread, profile precise, clock virtual, seed 0, armstalk 0.1.0
      modules 1: lock 0x10000-0x6c000 r-x/rw-
      events  call 158  ret 152  block 1,352  compile 663  syscall 17  in 1 chunk
      "
    `);
  });

  test('goes over a corpus', () => {
    const each = `for pin in 4711 4721 1 47; do echo $pin | armstalk run -q -o t/$pin.pb --timeout 30s ./lock || echo "$pin: $?"; done`;
    expect(shell(each).out).toBe('unlocked\ndenied\n4721: 1\ndenied\n1: 1\ndenied\n47: 1\n');
    const blocks = (files: string): number =>
      Number(shell(`armstalk summarize ${files} --coverage --json | jq '[.coverage[].blocks] | add'`).out);
    const [all, good, bad] = ['t/*.pb', 't/4711.pb', 't/1.pb'].map(blocks);
    expect(all).toBeGreaterThan(good);
    expect(good).toBeGreaterThan(bad);
    const { out } = shell('armstalk diff --coverage --stat t/1.pb t/4711.pb');
    const [, onlyOld, onlyNew] = /^coverage: (\d+) blocks? only in old, (\d+) only in new, /m.exec(out) ?? [];
    expect(all).toBeGreaterThanOrEqual(good + Number(onlyOld));
    expect(good).toBe(bad - Number(onlyOld) + Number(onlyNew));
  });

  test('exports', () => {
    expect(shell('armstalk export good.pb --to folded -F main | grep cmp_digit').out).toBe(
      'lock;main;check_pin;cmp_digit 20\n',
    );
    expect(shell('armstalk export good.pb -o lock.drcov && head -c 17 lock.drcov').out).toBe('DRCOV VERSION: 2\n');
  });

  test('looks into calls, live and recorded', () => {
    const probes = `--probe 'int cmp_digit(char a, char b)' --probe 0x1046a@arg1/s,retval`;
    const { out, err, status } = shell(`echo 4721 | armstalk run ./lock -o probed.pb ${probes} --live`);
    expect([out, status]).toEqual(['denied\n', 1]);
    expect(withoutSizes(err)).toMatchInlineSnapshot(`
      "[1000] check_pin(arg1="4721") {
      [1000]   cmp_digit(a='4', b='4') = 1
      [1000]   cmp_digit(a='7', b='7') = 1
      [1000]   cmp_digit(a='2', b='1') = 0
      [1000] } = 0 /* check_pin */
      armstalk: exit 1; 6,990 instructions, 158 calls, 663 blocks, 1 thread; 4 probe hits; wrote probed.pb (N kB)
      "
    `);
    expect(shell('armstalk replay probed.pb -F check_pin').out).toMatchInlineSnapshot(`
      "#     INSNS   TID  FUNCTION
                   1000  check_pin(arg1="4721") {
               26  1000    strlen();
                5  1000    cmp_digit(a='4', b='4') = 1;
                5  1000    cmp_digit(a='7', b='7') = 1;
                5  1000    cmp_digit(a='2', b='1') = 0;
               72  1000  } = 0 /* check_pin */
      "
    `);
    expect(shell('armstalk summarize probed.pb --by probe').out).toMatchInlineSnapshot(`
      "# probed.pb: ./lock, build-id 01dd47ae, 6,990 insns, exit 1, complete
       HITS  PROBE                          FIRST VALUE (TIMES)
          3  int cmp_digit(char a, char b)  a '4' (1), '7' (1), '2' (1)
          1  0x1046a@arg1/s,retval          arg1 "4721" (1)
      # 0 lost events
      "
    `);
  });

  test('records the same events with probes and without, in every tier', () => {
    const events = (words: string): string =>
      shell(
        `echo 4711 | armstalk run -q -o tier.pb ./lock ${words} > /dev/null; armstalk export -q tier.pb --to csv | grep -v ',probe,' | md5sum`,
      ).out;
    const plain = events('');
    for (const tier of ['cold', 'hot', 'auto']) {
      expect(events(`--tier ${tier}`), tier).toBe(plain);
      expect(events(`--tier ${tier} -p main -p 'int cmp_digit(char a, char b)' -p strlen`), tier).toBe(plain);
    }
  });

  test('keeps the environment only when told to', () => {
    const run = (pin: string, name: string, words: string): number | null =>
      shell(`echo ${pin} | armstalk run -q -o ${name} ./lock -E SECRET=hunter2 -E PLAIN=1 ${words}`).status;
    expect([run('4711', 'env.pb', ''), run('4721', 'no.pb', '')]).toEqual([0, 1]);
    // Found by grep (0), not found (1).
    expect(shell('grep -c hunter2 env.pb')).toEqual({ out: '0\n', err: '', status: 1 });
    expect(shell('grep -q SECRET env.pb').status).toBe(0);
    expect([run('4711', 'kept.pb', '--record-env'), run('4721', 'kept-no.pb', '--record-env')]).toEqual([0, 1]);
    expect(shell('grep -q hunter2 kept.pb').status).toBe(0);
    expect(shell('echo 4711 | armstalk replay kept.pb --verify').status).toBe(0);
    expect(shell('echo 4721 | armstalk replay kept.pb --verify').status).toBe(1);
    expect(shell('armstalk replay absent.pb --verify').status).toBe(2);
  });

  test('tells by its exit code whether two runs are the same, differ, or cannot be compared', () => {
    const record = (pin: string, name: string): void => {
      shell(`echo ${pin} | armstalk run -q -o ${name} ./lock`);
    };
    record('4711', 'one.pb');
    record('4711', 'two.pb');
    record('4721', 'three.pb');
    for (const words of ['', '-q', '--stat --json']) {
      expect(shell(`armstalk diff ${words} one.pb two.pb`).status, words).toBe(0);
      expect(shell(`armstalk diff ${words} one.pb three.pb`).status, words).toBe(1);
      expect(shell(`armstalk diff ${words} one.pb absent.pb`).status, words).toBe(2);
    }
    expect(shell('armstalk diff one.pb two.pb').out).toBe('');
    expect(shell('armstalk diff one.pb lock').status).toBe(2);
    expect(shell('armstalk diff one.pb').status).toBe(2);
    expect(shell('head -c 3000 one.pb > torn.pb; armstalk diff one.pb torn.pb').status).toBe(1);
  });
});
