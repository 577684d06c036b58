/**
 * The way in. A plain `armstalk COMMAND ...` goes straight to the command's module; everything oclif is good at (help,
 * version, aliases, suggestions, plugins) goes through oclif. The build also bundles each command into one file, because
 * loading two hundred small ones takes longer than running a small program; without the bundle the modules do.
 */
import { existsSync } from 'node:fs';

/** Help is oclif's, wherever before `--` it is asked for. */
const asksForHelp = (argv: readonly string[]): boolean => {
  const end = argv.indexOf('--');
  const words = argv.slice(0, end < 0 ? undefined : end);
  return words.includes('--help') || words.includes('-h');
};

const commandModule = (name: string | undefined): URL | undefined => {
  if (name === undefined || !/^[a-z]+$/.test(name)) return undefined;
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const candidates = [`../bundle/${name}.js`, `../commands/${name}.${extension}`];
  return candidates.map((path) => new URL(path, import.meta.url)).find((url) => existsSync(url));
};

/** Runs the command line and ends the process with its exit code. `root` is the URL of the calling script. */
export const start = async (argv: readonly string[], root: string): Promise<void> => {
  const url = asksForHelp(argv) ? undefined : commandModule(argv[0]);
  if (url === undefined) {
    const { execute } = await import('@oclif/core');
    await execute({ args: [...argv], dir: root, development: import.meta.url.endsWith('.ts') });
  } else {
    const { default: command } = await import(url.href);
    await command.run(argv.slice(1));
  }
  process.exit();
};
