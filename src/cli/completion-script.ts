import type { Command, OptionDefinition, OptionDefinitions } from './command.ts';
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
  local cur=\${COMP_WORDS[COMP_CWORD]} prev= words=() i
  ((COMP_CWORD > 0)) && prev=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  # The equals sign of --option=value is a word of its own.
  if [[ $cur == '=' ]]; then
    cur=
  elif [[ $prev == '=' ]]; then
    prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${valued(globalOptions).join('|')})
        ((i++))
        [[ \${COMP_WORDS[i]} == '=' ]] && ((i++))
        # Its value is what is being written.
        ((i >= COMP_CWORD)) && return ;;
      -*|=) ;;
      *) words+=("\${COMP_WORDS[i]}") ;;
    esac
  done
  local path="\${words[*]:0:2}"
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
  local -a list said
  local -i i
  for ((i = 2; i < CURRENT; i++)); do
    case $words[i] in
      ${valued(globalOptions).join('|')})
        # Its value is what is being written.
        (( ++i >= CURRENT )) && { _files; return } ;;
      -*) ;;
      *) said+=("$words[i]") ;;
    esac
  done
  if [[ $PREFIX != -* ]]; then
    case "$said[*]" in
      '') list=(${described(top)}); _describe command list; return ;;
${groups(commands).map(([group]) => `      ${group}) list=(${described(commands.filter(({ path }) => path[0] === group && path.length > 1).map(({ path, summary }) => [path[1]!, summary]))}); _describe command list; return ;;`).join('\n')}
    esac
  fi
  case "$said[1] $said[2]" in
${commands.map((command) => `    ${command.path.length === 1 ? `'${command.path[0]} '*` : `'${command.path.join(' ')}'`}) _arguments ${zshOptions({ ...command.options, ...globalOptions })} '*:file:_files' ;;`).join('\n')}
    *) _arguments ${zshOptions(globalOptions)} '*:file:_files' ;;
  esac
}
# Loaded by its name from fpath, it is called at once for what is being written; sourced, it is made known.
if [[ $funcstack[1] == _modelkeep ]]; then _modelkeep "$@"; else compdef _modelkeep modelkeep; fi
`;
}

function zshOptions(options: OptionDefinitions): string {
  return Object.entries(options)
    .map(([name, { type, description, value, choices }]) => {
      const text = description.replace(/[[\]:]/g, (character) => `\\${character}`);
      const argument = type === 'flag' ? '' : `:${(value ?? 'value').replaceAll(':', '\\:')}:${choices === undefined ? '_files' : `(${choices.join(' ')})`}`;
      return `'${quoted(`${type === 'texts' ? '*' : ''}--${name}${type === 'flag' ? '' : '='}[${text}]${argument}`)}'`;
    })
    .join(' ');
}

function fish(commands: readonly Command[]): string {
  const lines = [
    '# fish completion for modelkeep',
    '# Whether the first words behind options of every command are these, and with --all no others.',
    'function __modelkeep_said',
    '    set -l said',
    '    set -l is_value 0',
    '    for token in (commandline -opc)[2..-1]',
    '        if test $is_value = 1',
    '            set is_value 0',
    '            continue',
    '        end',
    '        switch $token',
    `            case ${valued(globalOptions).join(' ')}`,
    '                set is_value 1',
    "            case '-*'",
    "            case '*'",
    '                set -a said $token',
    '        end',
    '    end',
    '    test $is_value = 0; or return 1',
    '    if test "$argv[1]" = --all',
    '        test "$said" = "$argv[2..-1]"',
    '    else',
    '        set -l count (count $argv)',
    '        test "$said[1..$count]" = "$argv"',
    '    end',
    'end',
  ];
  for (const name of tops(commands)) {
    const summary = commands.find(({ path }) => path.length === 1 && path[0] === name)?.summary ?? `commands of ${name}`;
    lines.push(`complete -c modelkeep -f -n '__modelkeep_said --all' -a ${name} -d '${fishQuoted(summary)}'`);
  }
  for (const { path, summary, options } of commands) {
    if (path.length > 1) lines.push(`complete -c modelkeep -f -n '__modelkeep_said --all ${path[0]}' -a ${path[1]} -d '${fishQuoted(summary)}'`);
    for (const [name, option] of Object.entries(options)) lines.push(fishOption(name, option, `-n '__modelkeep_said ${path.join(' ')}' `));
  }
  for (const [name, option] of Object.entries(globalOptions)) lines.push(fishOption(name, option));
  return `${lines.join('\n')}\n`;
}

function fishOption(name: string, { type, description, short, choices }: OptionDefinition, condition = ''): string {
  return `complete -c modelkeep ${condition}-l ${name}${short === undefined ? '' : ` -s ${short}`}${type === 'flag' ? '' : ' -r'}${choices === undefined ? '' : ` -f -a '${choices.join(' ')}'`} -d '${fishQuoted(description)}'`;
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

/** How options that take a value are written. */
function valued(options: OptionDefinitions): string[] {
  return Object.entries(options).flatMap(([name, { type, short }]) => (type === 'flag' ? [] : [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]));
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
