/**
 * The way in. A plain `armstalk COMMAND ...` goes straight to the command; everything oclif is good at (help, version,
 * aliases, suggestions, plugins) goes through oclif. The build bundles each command into one file, because loading two
 * hundred small ones takes longer than running a small program; without the bundle the modules do.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { useBranchHints } from '../wasm/branch-hints.js';
import { loadBundled } from './bundled-command.js';
import { delayOptimizer } from './optimizer-budget.js';

/** Exit codes of runs that may not have got to work. */
const FAILURES: readonly unknown[] = [2, 125, 126, 127];

/** Help is oclif's, wherever before `--` it is asked for. */
const asksForHelp = (argv: readonly string[]): boolean => {
  const end = argv.indexOf('--');
  const words = argv.slice(0, end < 0 ? undefined : end);
  return words.includes('--help') || words.includes('-h');
};

/** The file of a command: its bundle, or else its module. */
const commandFile = (name: string | undefined): URL | undefined => {
  if (name === undefined || !/^(?:__)?[a-z]+$/.test(name)) return undefined;
  const isSource = import.meta.url.endsWith('.ts');
  const candidates = isSource ? [`../commands/${name}.ts`] : [`../bundle/${name}.cjs`, `../commands/${name}.js`];
  return candidates.map((path) => new URL(path, import.meta.url)).find((url) => existsSync(url));
};

const runCommand = async (file: URL, argv: string[]): Promise<void> => {
  if (!file.pathname.endsWith('.cjs')) {
    const { default: command } = await import(file.href);
    await command.run(argv);
    return;
  }
  // The translator asks for them too; asked for only then, V8 would find its flags changed and refuse the kept code.
  useBranchHints();
  delayOptimizer();
  const { command, keepCode } = loadBundled(fileURLToPath(file));
  await command.run(argv);
  if (!FAILURES.includes(process.exitCode)) keepCode();
};

/** Runs the command line and ends the process with its exit code. `root` is where the calling script is. */
export const start = async (argv: readonly string[], root: string): Promise<void> => {
  const file = asksForHelp(argv) ? undefined : commandFile(argv[0]);
  if (file === undefined) {
    const { execute } = await import('@oclif/core');
    await execute({ args: [...argv], dir: root, development: import.meta.url.endsWith('.ts') });
  } else {
    await runCommand(file, argv.slice(1));
  }
  process.exit();
};
