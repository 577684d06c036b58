import { homedir } from 'node:os';
import { BaseCommand } from '../cli/base-command.js';
import { type CompletedCommand, candidatesFor, type NamesOf } from '../cli/completion/candidates.js';
import { candidatesText } from '../cli/completion/protocol.js';
import { SHELLS } from '../cli/completion/scripts.js';
import { DIFF_FLAGS } from '../cli/diff-flags.js';
import { EXPORT_FLAGS } from '../cli/export-flags.js';
import { writeStdout } from '../cli/output.js';
import { READ_FLAGS, SUMMARIZE_FLAGS } from '../cli/read-flags.js';
import { REPAIR_FLAGS } from '../cli/repair-flags.js';
import { REPLAY_FLAGS } from '../cli/replay-flags.js';
import { RUN_FLAGS } from '../cli/run-flags.js';
import { fileNames } from '../index.js';

/** Nobody waits longer for a key. */
const MAX_MS = 400;

const VISIBLE = {
  run: { flags: RUN_FLAGS },
  summarize: { flags: SUMMARIZE_FLAGS },
  replay: { flags: REPLAY_FLAGS },
  diff: { flags: DIFF_FLAGS },
  export: { flags: EXPORT_FLAGS },
  info: { flags: READ_FLAGS },
  repair: { flags: REPAIR_FLAGS },
  completion: { flags: {}, operands: SHELLS },
} as const satisfies Readonly<Record<string, CompletedCommand>>;

const COMMANDS: Readonly<Record<string, CompletedCommand>> = {
  ...VISIBLE,
  help: { flags: {}, operands: Object.keys(VISIBLE) },
};

/** The shell hands words over as they are typed. */
const unquoted = (word: string): string =>
  word
    .replace(/^~(?=\/)/, homedir())
    .replace(/^(['"])(.*)\1$/, '$2')
    .replace(/\\(.)/g, '$1');

const namesOf: NamesOf = async (files, what) => {
  const names = await Promise.all(files.map((file) => fileNames(unquoted(file), MAX_MS).catch(() => undefined)));
  return names.flatMap((one) => one?.[what] ?? []);
};

export default class Complete extends BaseCommand {
  static id = '__complete';
  static hidden = true;
  static summary = 'say what may stand at a place of a command line; the scripts of completion ask it';
  static usage = '__complete INDEX WORDS...';
  static examples = ['<%= config.bin %> __complete 0 summ', '<%= config.bin %> __complete 3 run ./a.out -p ma'];
  static flags = {};

  async run(): Promise<number> {
    const [index, ...words] = this.argv;
    const found = await candidatesFor(COMMANDS, words, Number(index), namesOf, Object.keys(process.env));
    writeStdout(candidatesText(found));
    return 0;
  }
}
