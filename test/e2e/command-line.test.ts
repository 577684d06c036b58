/** The commands as typed: pipes, exit codes, and what a user sees when a file is not what it should be. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { armstalk, runJs, sample } from '../support/cli.js';

const scratch = mkdtempSync(join(tmpdir(), 'armstalk-cli-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const shell = (script: string) => {
  const program = `armstalk() { '${process.execPath}' '${runJs}' "$@"; }; set -o pipefail; ${script}`;
  const { stdout, stderr, status } = spawnSync('bash', ['-c', program], { cwd: scratch, encoding: 'utf8' });
  return { stdout, stderr, status };
};

describe('the command line', () => {
  it('summarizes a trace that arrives through a pipe, the guest printing on stderr', () => {
    const { stdout, stderr, status } = shell(`armstalk run -q -o - ${sample('fib-thumb')} | armstalk summarize -`);
    expect(stderr).toContain('fib(20) = 6765');
    expect(stdout).toMatch(/21,?891 .*\bfib\b/);
    expect(status).toBe(0);
  });

  it('accepts a probe after the program', () => {
    const { status, stdout } = shell(`armstalk run ${sample('fib-thumb')} --probe fib -o probed.pb -q`);
    expect(stdout).toBe('fib(20) = 6765\n');
    expect(status).toBe(0);
  });

  it('passes the exit code and death by signal through', () => {
    expect(armstalk(['run', '-q', '--no-trace', sample('cat-arm')], { stdin: 'seven77' }).status).toBe(7);
    const crash = armstalk(['run', '--no-trace', sample('crash-thumb')]);
    expect(crash.status).toBe(139);
    expect(crash.stderr).toMatch(/SIGSEGV/);
    expect(crash.stderr).toMatch(/scribble/);
  });

  it('keeps the trace of a run that crashed, complete up to the fault', () => {
    const { stdout } = shell(`armstalk run -q -o crash.pb ${sample('crash-arm')}; armstalk summarize crash.pb`);
    expect(stdout).toMatch(/careless/);
    expect(stdout).toMatch(/scribble/);
  });

  it('names what it found when the file is not an ARM program', () => {
    const { stderr, status } = armstalk(['run', process.execPath]);
    expect(status).toBe(126);
    expect(stderr).toMatch(/x86-64|AArch64/i);
    expect(armstalk(['run', join(scratch, 'absent')]).status).toBe(127);
    writeFileSync(join(scratch, 'empty'), '');
    expect(armstalk(['run', join(scratch, 'empty')]).status).toBe(126);
  });

  it('shows how to hand an unknown option to the program', () => {
    const { stderr, status } = armstalk(['run', sample('fib-arm'), '--iterations', '5']);
    expect(status).toBe(125);
    expect(stderr).toContain('-- --iterations 5');
  });

  it('stops at a limit with exit code 124', () => {
    expect(armstalk(['run', '-q', '--no-trace', '--max-insns', '1000', sample('fib-arm')]).status).toBe(124);
  });
});
