import type { Command, OptionDefinitions } from './command.ts';
import { globalOptions } from './global-options.ts';

/** The shells that there are scripts for. */
export const shells = ['bash', 'zsh', 'fish'] as const;

/** A shell. */
export type Shell = (typeof shells)[number];

/** A script with which a shell completes commands, options and the values of those that have a few. Where none of these fits, files are. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      return zsh(commands);
    case 'fish':
      return fish(commands);
  }
}

function bash(commands: readonly Command[]): string {
  return `# bash completion for modelkeep
_modelkeep() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev= words=() word i
  ((COMP_CWORD > 0)) && prev=\${COMP_WORDS[COMP_CWORD-1]}
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    [[ $word == -* ]] && break
    words+=("$word")
  done
  local path="\${words[*]:0:2}"
  COMPREPLY=()
  case "$path $prev" in
${choiceCases(commands)}
  esac
  if [[ $cur == -* ]]; then
    case "$path" in
${commands.map((command) => `      ${patterns(command)}) COMPREPLY=($(compgen -W '${optionNames(command).join(' ')}' -- "$cur")) ;;`).join('\n')}
      *) COMPREPLY=($(compgen -W '${names(globalOptions).join(' ')}' -- "$cur")) ;;
    esac
    return
  fi
  case "$path" in
    '') COMPREPLY=($(compgen -W '${tops(commands).join(' ')}' -- "$cur")) ;;
${groups(commands).map(([group, inside]) => `    '${group}') COMPREPLY=($(compgen -W '${inside.join(' ')}' -- "$cur")) ;;`).join('\n')}
  esac
}
complete -o default -F _modelkeep modelkeep
`;
}

function choiceCases(commands: readonly Command[]): string {
  return commands
    .flatMap((command) =>
      Object.entries(command.options).flatMap(([name, { choices }]) =>
        choices === undefined ? [] : [`    '${command.path.join(' ')}'*' --${name}') COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$cur")); return ;;`],
      ),
    )
    .join('\n');
}

/** What the first two words of a command line match: those of a command of one word have an argument behind it. */
function patterns({ path }: Command): string {
  const words = path.join(' ');
  return path.length === 1 ? `'${words}'|'${words} '*` : `'${words}'`;
}

function zsh(commands: readonly Command[]): string {
  const described = (entries: readonly (readonly [string, string])[]): string => entries.map(([name, text]) => `'${quoted(`${name.replaceAll(':', '\\:')}:${text}`)}'`).join(' ');
  const top = tops(commands).map((name) => [name, commands.find(({ path }) => path.length === 1 && path[0] === name)?.summary ?? `commands of ${name}`] as const);
  return `#compdef modelkeep
_modelkeep() {
  local -a list
  if (( CURRENT == 2 )); then
    list=(${described(top)})
    _describe command list
    return
  fi
  if (( CURRENT == 3 )); then
    case "$words[2]" in
${groups(commands).map(([group]) => `      ${group}) list=(${described(commands.filter(({ path }) => path[0] === group && path.length > 1).map(({ path, summary }) => [path[1]!, summary]))}); _describe command list; return ;;`).join('\n')}
    esac
  fi
  case "$words[2] $words[3]" in
${commands.map((command) => `    ${command.path.length === 1 ? `'${command.path[0]} '*` : `'${command.path.join(' ')}'`}) _arguments ${zshOptions({ ...command.options, ...globalOptions })} '*:file:_files' ;;`).join('\n')}
    *) _files ;;
  esac
}
compdef _modelkeep modelkeep
`;
}

function zshOptions(options: OptionDefinitions): string {
  return Object.entries(options)
    .map(([name, { type, description, value, choices }]) => {
      const text = description.replace(/[[\]:]/g, (character) => `\\${character}`);
      const argument = type === 'flag' ? '' : `:${(value ?? 'value').replaceAll(':', '\\:')}:${choices === undefined ? '_files' : `(${choices.join(' ')})`}`;
      return `'${quoted(`${type === 'texts' ? '*' : ''}--${name}[${text}]${argument}`)}'`;
    })
    .join(' ');
}

function fish(commands: readonly Command[]): string {
  const lines = ['# fish completion for modelkeep'];
  const group = (name: string): string => `test (count (commandline -opc)) -eq 2; and test (commandline -opc)[2] = ${name}`;
  for (const name of tops(commands)) {
    const summary = commands.find(({ path }) => path.length === 1 && path[0] === name)?.summary ?? `commands of ${name}`;
    lines.push(`complete -c modelkeep -f -n '__fish_use_subcommand' -a ${name} -d '${fishQuoted(summary)}'`);
  }
  for (const { path, summary, options } of commands) {
    if (path.length > 1) lines.push(`complete -c modelkeep -f -n '${group(path[0]!)}' -a ${path[1]} -d '${fishQuoted(summary)}'`);
    const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
    for (const [name, { type, description, short, choices }] of Object.entries(options)) {
      lines.push(`complete -c modelkeep -n '${seen}' -l ${name}${short === undefined ? '' : ` -s ${short}`}${type === 'flag' ? '' : ' -r'}${choices === undefined ? '' : ` -f -a '${choices.join(' ')}'`} -d '${fishQuoted(description)}'`);
    }
  }
  for (const [name, { type, description, short }] of Object.entries(globalOptions)) {
    lines.push(`complete -c modelkeep -l ${name}${short === undefined ? '' : ` -s ${short}`}${type === 'flag' ? '' : ' -r'} -d '${fishQuoted(description)}'`);
  }
  return `${lines.join('\n')}\n`;
}

function tops(commands: readonly Command[]): string[] {
  return [...new Set(commands.map(({ path }) => path[0]!)), 'help'];
}

function groups(commands: readonly Command[]): (readonly [string, string[]])[] {
  const all = new Set(commands.filter(({ path }) => path.length > 1).map(({ path }) => path[0]!));
  return [...all].map((group) => [group, commands.filter(({ path }) => path[0] === group && path.length > 1).map(({ path }) => path[1]!)] as const);
}

function optionNames({ options }: Command): string[] {
  return [...names(options), ...names(globalOptions)];
}

function names(options: OptionDefinitions): string[] {
  return Object.keys(options).map((name) => `--${name}`);
}

function quoted(text: string): string {
  return text.replaceAll("'", `'\\''`);
}

function fishQuoted(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
}
