/**
 * A script of the user's: an ES module that is loaded when the program is, before anything of it runs. Its default export, if
 * it has one, is called with Frida's names (`({ Stalker, Module, ... }) => {}`) and awaited; the names can also be imported
 * from `armstalk`. A function it returns is called when the program has ended, with the result. What it throws is told and
 * changes nothing for the program, which runs with what was set up.
 */
import { existsSync } from 'node:fs';
import { Module } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ArmstalkError, UsageError } from '../errors.js';
import { type ScriptVocabulary, vocabulary } from '../frida/vocabulary.js';

/** How the program ended, as the script's last function gets it. */
export interface ScriptEnd {
  /** 128+N after signal N. */
  readonly exitCode: number;
  readonly instructions: number;
}

/** The default export of a script; what it returns, or promises, is called at the end if it is a function. */
export type ScriptFunction = (names: ScriptVocabulary) => unknown;

/** A script has thrown: when it was loaded, or later outside of every callback. `cause` is what it threw. */
export class ScriptError extends ArmstalkError {
  constructor(script: string, thrown: unknown, isLater: boolean) {
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    super('script', 125, `the script ${script} threw: ${text}`, {
      cause: thrown,
      details: { script },
      hint: isLater ? 'the program went on' : 'the program runs with what the script had set up until then',
    });
  }
}

class UnloadableScript extends UsageError {}

/** Loaded how often: a module is evaluated once for each URL. */
let loads = 0;

type Import = (url: string) => Promise<{ readonly default?: unknown }>;

/** `import()` for code that has none: bundles, and what V8 kept of them. A module of Node's own loader lends it. */
const importModule: Import = (url) => {
  const lender = new Module('armstalk-import') as Module & { _compile(code: string, file: string): void };
  lender._compile('module.exports = (url) => import(url)', path.resolve('armstalk-import.cjs'));
  return (lender.exports as Import)(url);
};

/** It cannot be read as a module, or something it imports is not there: as opposed to what it throws itself. */
const isUnloadable = (thrown: unknown): boolean =>
  thrown instanceof SyntaxError ||
  /^ERR_(MODULE_NOT_FOUND|UNKNOWN_|UNSUPPORTED_|PACKAGE_|INVALID_MODULE|IMPORT_)/.test(
    String((thrown as NodeJS.ErrnoException | undefined)?.code ?? ''),
  );

export class Script {
  readonly path: string;
  private readonly onError: (error: ArmstalkError) => void;
  private atEnd: ((end: ScriptEnd) => unknown) | undefined;

  /** Throws UsageError when there is no such file. */
  constructor(script: string, onError: (error: ArmstalkError) => void) {
    if (!existsSync(script)) {
      throw new UsageError(`the script ${script} does not exist`, { hint: 'name a file such as hooks.mjs' });
    }
    this.path = script;
    this.onError = onError;
  }

  /** Loads and runs it. Throws UsageError when it is no module that can be loaded. */
  async run(): Promise<void> {
    const url = `${pathToFileURL(path.resolve(this.path)).href}${loads === 0 ? '' : `?load=${loads}`}`;
    loads++;
    try {
      const { default: main } = await importModule(url).catch((thrown: unknown) => {
        throw isUnloadable(thrown) ? this.unloadable(thrown) : thrown;
      });
      const made = typeof main === 'function' ? await (main as ScriptFunction)(vocabulary) : undefined;
      if (typeof made === 'function') this.atEnd = made as (end: ScriptEnd) => unknown;
    } catch (thrown) {
      if (thrown instanceof UnloadableScript) throw thrown;
      this.onError(new ScriptError(this.path, thrown, false));
    }
  }

  /** Runs `work`; what the script's timers and promises throw meanwhile is told and stops nothing. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const tell = (thrown: unknown): void => this.onError(new ScriptError(this.path, thrown, true));
    process.on('uncaughtException', tell);
    process.on('unhandledRejection', tell);
    try {
      return await work();
    } finally {
      process.off('uncaughtException', tell);
      process.off('unhandledRejection', tell);
    }
  }

  /** The program has ended and everything recorded has been delivered. */
  async ended(end: ScriptEnd): Promise<void> {
    try {
      await this.atEnd?.(end);
    } catch (thrown) {
      this.onError(new ScriptError(this.path, thrown, true));
    }
  }

  private unloadable(thrown: unknown): UnloadableScript {
    const text = thrown instanceof Error ? (thrown.message.split('\n')[0] as string) : String(thrown);
    return new UnloadableScript(`the script ${this.path} cannot be loaded: ${text}`, {
      cause: thrown,
      hint: 'a script is an ES module: export default ({ Stalker, DebugSymbol }) => { ... }, in a file that ends in .mjs',
    });
  }
}
