import type { Command, OptionDefinition } from './command.ts';

/** How a command is written: its words, arguments and that it has options. */
export function usageOf({ path, positionals, options }: Command): string {
  const args = positionals.map(({ name, optional, several }) => (optional === true ? `[${name}${several === true ? '…' : ''}]` : `${name}${several === true ? '…' : ''}`));
  return [...path, ...args, ...(Object.keys(options).length === 0 ? [] : ['[options]'])].join(' ');
}

/** How an option is written: `-n, --limit N`. */
export function optionUsage(name: string, { short, value }: OptionDefinition): string {
  return `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}

/** What there is to say of an option, with what it may be and what happens without it. */
export function optionText({ description, choices, otherwise, type }: OptionDefinition): string {
  const one = choices === undefined ? '' : ` One of ${choices.join(', ')}.`;
  const several = type === 'texts' ? ' May be given several times.' : '';
  return `${description}${one}${several}${otherwise === undefined ? '' : ` Default: ${otherwise}.`}`;
}

/** The variables that commands read. */
export const environment: readonly (readonly [string, string])[] = [
  ['MODELKEEP_STORE', 'The store, where --store is not given.'],
  ['MODELKEEP_TOKEN', 'Sent to a server as a bearer token.'],
  ['MODELKEEP_TARGET_TOKEN', 'The same for the server that a store is migrated to.'],
  ['MODELKEEP_DEBUG', 'Shows where an error comes from.'],
  ['NO_COLOR', 'No colours and no progress.'],
  ['CI', 'No progress.'],
];
