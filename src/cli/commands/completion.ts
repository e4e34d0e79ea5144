import { defineCommand, type Command } from '../command.ts';
import { completionScript, shells, type Shell } from '../completion-script.ts';
import { UsageError } from '../usage-error.ts';

export const completion: Command = defineCommand({
  path: ['completion'],
  summary: 'Print a script that completes commands and options in your shell.',
  options: {},
  positionals: [{ name: 'SHELL', description: `One of ${shells.join(', ')}.` }],
  examples: [
    { command: 'completion bash > ~/.local/share/bash-completion/completions/modelkeep', does: 'For bash.' },
    { command: 'completion zsh > ~/.zfunc/_modelkeep', does: 'For zsh, with ~/.zfunc in fpath.' },
    { command: 'completion fish > ~/.config/fish/completions/modelkeep.fish', does: 'For fish.' },
  ],
  async run({ positionals: [shell = ''], out }) {
    const known = shells.find((each) => each === shell);
    if (known === undefined) throw new UsageError(`There is no completion for '${shell}'; give one of ${shells.join(', ')}.`);
    const { commands } = await import('../commands.ts');
    const all = await Promise.all(Object.values(commands).map((load) => load()));
    const script = completionScript(known satisfies Shell, all);
    await out.result({ shell: known, script }, () => script);
  },
});
