import { BaseCommand } from '../cli/base-command.js';
import { COMPLETION_SCRIPTS, SHELLS } from '../cli/completion/scripts.js';
import { writeStdout } from '../cli/output.js';
import { oneOf } from '../cli/values.js';
import { UsageError } from '../index.js';

export default class Completion extends BaseCommand {
  static id = 'completion';
  static summary = 'print the script that teaches a shell to complete commands, options, files and functions';
  static description = [
    'Functions are those of the program or the trace that is named on the line. To have it in every shell:',
    "  bash  echo 'source <(armstalk completion bash)' >> ~/.bashrc",
    "  zsh   echo 'source <(armstalk completion zsh)' >> ~/.zshrc     (behind compinit)",
    '  fish  armstalk completion fish > ~/.config/fish/completions/armstalk.fish',
  ].join('\n');
  static usage = 'completion bash|zsh|fish';
  static examples = ['source <(<%= config.bin %> completion bash) && echo ready', '<%= config.bin %> completion fish'];
  static args = { shell: { name: 'shell', description: 'bash, zsh or fish', options: SHELLS } };
  static flags = {};

  async run(): Promise<number> {
    const { operands } = this.parse(Completion);
    const [shell, ...more] = operands;
    if (shell === undefined || more.length > 0) throw new UsageError(`which shell? one of: ${SHELLS.join(', ')}`);
    writeStdout(COMPLETION_SCRIPTS[oneOf(...SHELLS)(shell, 'the shell')]);
    return 0;
  }
}
