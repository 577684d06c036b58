/**
 * A bundled command, run from V8's compiled code where there is some. Compiling half a megabyte of source takes longer
 * than a small program runs, so the code a successful run has used is kept beside the bundle, for this version of Node
 * and this very bundle. Where that cannot be written everything works as well, only not as soon.
 */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Script } from 'node:vm';

export interface BundledCommand {
  readonly command: { run(argv: string[]): Promise<void> };
  /** Keeps the compiled code for the next run, unless it came from there. */
  keepCode(): void;
}

type Wrapper = (exports: object, require: NodeRequire, module: object, file: string, directory: string) => void;

/** Length and time of the bundle, in front of the code: V8 itself compares only the length. */
const HEADER_BYTES = 16;

const headerOf = (file: string): Buffer => {
  const { size, mtimeMs } = statSync(file);
  return Buffer.from(Float64Array.of(size, mtimeMs).buffer);
};

const readCode = (codeFile: string, header: Buffer): Buffer | undefined => {
  try {
    const bytes = readFileSync(codeFile);
    return bytes.subarray(0, HEADER_BYTES).equals(header) ? bytes.subarray(HEADER_BYTES) : undefined;
  } catch {
    return undefined;
  }
};

/** Whole or not at all, also when several runs end at once. */
const writeCode = (codeFile: string, header: Buffer, code: Buffer): void => {
  const unfinished = `${codeFile}.${process.pid}`;
  try {
    writeFileSync(unfinished, Buffer.concat([header, code]));
    renameSync(unfinished, codeFile);
  } catch {
    rmSync(unfinished, { force: true });
  }
};

/** V8's flags are part of the code's identity: runs with other ones leave what is there alone. */
const hasUsualFlags = (): boolean =>
  process.execArgv.length === 0 && process.env.NODE_OPTIONS === undefined && process.env.NODE_V8_COVERAGE === undefined;

/** Loads the CommonJS bundle `file`: plain ASCII, no `import()` (kept code cannot), its default export the command. */
export const loadBundled = (file: string): BundledCommand => {
  const codeFile = `${file}.${process.version}-${process.arch}.code`;
  const header = headerOf(file);
  const cachedData = readCode(codeFile, header);
  const source = readFileSync(file, 'latin1');
  const script = new Script(`(function(exports,require,module,__filename,__dirname){${source}\n})`, {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  const bundle = { exports: {} as { default: BundledCommand['command'] } };
  const run = script.runInThisContext() as Wrapper;
  run(bundle.exports, createRequire(file), bundle, file, path.dirname(file));
  return {
    command: bundle.exports.default,
    keepCode: () => {
      const isKept = cachedData !== undefined && script.cachedDataRejected === false;
      if (!isKept && hasUsualFlags()) writeCode(codeFile, header, script.createCachedData());
    },
  };
};
