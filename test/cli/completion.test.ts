import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { cli } from './cli-host.ts';

const temporaryDirectory = temporaryDirectories();

/** What a shell makes of lines when the tab key is pressed behind them. */
type Completer = (directory: string, script: string, lines: readonly string[]) => string[];

const shells: Readonly<Record<string, Completer>> = { bash, zsh, fish };

for (const [shell, complete] of Object.entries(shells)) {
  const missing = spawnSync(shell, ['-c', 'true']).status === 0 ? undefined : `there is no ${shell}`;
  if (missing !== undefined) console.warn(`Skipped completion in ${shell}: ${missing}.`);
  describe.skipIf(missing !== undefined)(`completion in ${shell}${missing === undefined ? '' : ` (${missing})`}`, () => {
    test('completes commands, options and their values, wherever options of every command stand', async () => {
      const directory = temporaryDirectory();
      writeFileSync(join(directory, 'mlops.js'), '');
      const { stdout: script } = await cli(['completion', shell]);
      const cases = [
        ['modelkeep mo', 'modelkeep models'],
        ['modelkeep runs l', 'modelkeep runs ls'],
        ['modelkeep --store dir mo', 'modelkeep --store dir models'],
        ['modelkeep -s dir runs l', 'modelkeep -s dir runs ls'],
        ['modelkeep runs -m mlops.js --json l', 'modelkeep runs -m mlops.js --json ls'],
        ['modelkeep --store=dir runs l', 'modelkeep --store=dir runs ls'],
        ['modelkeep runs ls --fil', 'modelkeep runs ls --filter'],
        ['modelkeep --store dir runs ls --deleted o', 'modelkeep --store dir runs ls --deleted only'],
        ['modelkeep runs ls --deleted=o', 'modelkeep runs ls --deleted=only'],
        ['modelkeep report --ti', 'modelkeep report --title'],
        ['modelkeep --mod', 'modelkeep --module'],
        ['modelkeep runs ls --mod', 'modelkeep runs ls --module'],
        // An option of another command.
        ['modelkeep runs show --fil', 'modelkeep runs show --fil'],
        // A file, where nothing else is known, and where an option takes one.
        ['modelkeep store import mlo', 'modelkeep store import mlops.js'],
        ['modelkeep --module mlo', 'modelkeep --module mlops.js'],
      ] as const;
      expect(complete(directory, script, cases.map(([line]) => line))).toEqual(cases.map(([, completed]) => completed));
    });
  });
}

/** Runs a shell that shows its completions on lines of their own. */
function linesOf(directory: string, shell: string, args: readonly string[]): string[] {
  const { stdout, stderr, status } = spawnSync(shell, args, { cwd: directory, encoding: 'utf8', timeout: 60_000, env: { PATH: process.env['PATH'], HOME: directory, LC_ALL: 'C.UTF-8', TERM: 'dumb' } });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trimEnd().split('\n');
}

/** Calls the function as Readline would: with words parted at its usual breaks; what was found stands in the place of the last one, and files where the function found nothing. */
function bash(directory: string, script: string, lines: readonly string[]): string[] {
  writeFileSync(join(directory, 'modelkeep.bash'), script);
  const program = `source ./modelkeep.bash
for line in "$@"; do
  COMP_WORDS=(); rest=$line
  while [[ $rest =~ ^([^\\ =]+|=)\\ ?(.*)$ ]]; do COMP_WORDS+=("\${BASH_REMATCH[1]}"); rest=\${BASH_REMATCH[2]}; done
  COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); last=\${COMP_WORDS[COMP_CWORD]}
  _modelkeep modelkeep "$last" "\${COMP_WORDS[COMP_CWORD-1]}"
  ((\${#COMPREPLY[@]})) || COMPREPLY=($(compgen -f -- "$last"))
  if ((\${#COMPREPLY[@]} == 1)); then printf '%s\\n' "\${line%"$last"}\${COMPREPLY[0]}"; else printf '%s\\n' "$line"; fi
done`;
  return linesOf(directory, 'bash', ['--norc', '-c', program, 'bash', ...lines]);
}

/** Presses the keys in a terminal that zsh makes. */
function zsh(directory: string, script: string, lines: readonly string[]): string[] {
  writeFileSync(join(directory, '_modelkeep'), script);
  const program = `zmodload zsh/zpty
zpty shell "zsh -f -i"
zpty -w shell "PS1= RPROMPT=; unsetopt zle_bracketed_paste beep; fpath=(\${(q)PWD} \\$fpath); autoload -Uz compinit; compinit -u -D; modelkeep() { print -r -- \\"<<\\\${(j: :)@}>>\\" }; print REA''DY"
zpty -r shell out '*READY*'
for line in "$@"; do
  zpty -w -n shell "$line"$'\\t\\n'
  zpty -r shell out '*<<*>>*'
  print -r -- "modelkeep \${\${out##*<<}%%>>*}"
done
zpty -d shell`;
  return linesOf(directory, 'zsh', ['-f', '-c', program, 'zsh', ...lines]);
}

/** Asks fish for the candidates, of which a single one is put in. */
function fish(directory: string, script: string, lines: readonly string[]): string[] {
  writeFileSync(join(directory, 'modelkeep.fish'), script);
  const program = `source modelkeep.fish
for line in $argv
    set -l found (complete -C $line | string split -f 1 \\t)
    if test (count $found) -eq 1
        echo (string replace -r '[^ ]*$' '' -- $line)$found
    else
        echo $line
    end
end`;
  return linesOf(directory, 'fish', ['-N', '-c', program, ...lines]);
}
