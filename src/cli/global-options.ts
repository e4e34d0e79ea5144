import type { OptionDefinition } from './command.ts';

/** The options that every command has; they may stand in front of its name, too. */
export const globalOptions: {
  readonly store: OptionDefinition;
  readonly module: OptionDefinition;
  readonly json: OptionDefinition;
  readonly help: OptionDefinition;
} = {
  store: { type: 'text', short: 's', value: 'DIR|URL', description: 'The store: a directory, or the address of a server of modelkeep.', otherwise: 'MODELKEEP_STORE, or .modelkeep' },
  module: { type: 'text', short: 'm', value: 'FILE', description: 'A JavaScript module that exports your pipelines and gates.' },
  json: { type: 'flag', description: 'Print the result as JSON.' },
  help: { type: 'flag', short: 'h', description: 'Show this help.' },
};
