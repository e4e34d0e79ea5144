import { parseArgs } from 'node:util';
import type { Command, OptionDefinition, OptionDefinitions } from './command.ts';
import { globalOptions } from './global-options.ts';
import { printable } from './output/printable.ts';
import { didYouMean } from './suggest.ts';
import { UsageError } from './usage-error.ts';

/** The value of an option. */
export type OptionValue = boolean | string | number | readonly string[] | undefined;

/** What a command line says. */
export interface ParsedArguments {
  /** Of every option, the global ones too. */
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly positionals: readonly string[];
}

/** The words that begin a command line, with global options among them left where they are. */
export function leadingWords(args: readonly string[]): readonly { readonly word: string; readonly index: number }[] {
  const words: { word: string; index: number }[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!arg.startsWith('-')) words.push({ word: arg, index: i });
    else {
      const option = Object.entries(globalOptions).find(([name, { short }]) => arg === `--${name}` || arg === `-${short}`);
      if (option?.[1].type === 'text') i++;
      else if (option === undefined && !Object.keys(globalOptions).some((name) => arg.startsWith(`--${name}=`))) break;
    }
  }
  return words;
}

/** Reads the arguments of a command, its own words taken out. Throws `UsageError`. */
export function parseArguments(args: readonly string[], command: Command): ParsedArguments {
  const definitions: OptionDefinitions = { ...command.options, ...globalOptions };
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(Object.entries(definitions).map(([name, { type, short }]) => [name, { type: type === 'flag' ? 'boolean' : 'string', multiple: true, ...(short === undefined ? {} : { short }) }])),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const values = new Map<string, OptionValue>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const definition = Object.hasOwn(definitions, token.name) ? definitions[token.name] : undefined;
    if (definition === undefined) throw unknownOption(token.rawName, definitions, command);
    values.set(token.name, valueOf(token, definition, values.get(token.name)));
  }
  const options = Object.fromEntries(Object.entries(definitions).map(([name, { type }]) => [name, values.get(name) ?? (type === 'flag' ? false : type === 'texts' ? [] : undefined)]));
  if (options['help'] !== true) checkPositionals(positionals, command);
  return { options, positionals };
}

function unknownOption(rawName: string, definitions: OptionDefinitions, command: Command): UsageError {
  const known = Object.keys(definitions).map((name) => `--${name}`);
  return new UsageError(`There is no option ${printable(rawName)}${rawName.startsWith('--') ? didYouMean(rawName, known) : ''}`, helpHint(command));
}

function valueOf(token: { readonly rawName: string; readonly value: string | undefined; readonly inlineValue: boolean | undefined }, definition: OptionDefinition, before: OptionValue): OptionValue {
  const { rawName, value, inlineValue } = token;
  if (definition.type === 'flag') {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value.`);
    return true;
  }
  if (value === undefined) throw new UsageError(`${rawName} needs a value: ${rawName} ${definition.value ?? 'VALUE'}.`);
  // Somebody who forgot the value would otherwise have the next option taken for it. A number is none.
  if (inlineValue !== true && value.length > 1 && value.startsWith('-') && !/^-\.?\d/.test(value)) throw new UsageError(`${rawName} needs a value, and ${printable(value)} looks like an option; write ${rawName}=${printable(value)} if it is none.`);
  if (definition.choices !== undefined && !definition.choices.includes(value)) {
    throw new UsageError(`${rawName} is '${printable(value)}'; give one of ${definition.choices.join(', ')}${didYouMean(value, definition.choices)}`);
  }
  if (value === '') throw new UsageError(`${rawName} is empty; give ${definition.value ?? 'a value'}.`);
  if (definition.type !== 'number') demandAllowed(rawName, value, definition);
  if (definition.type === 'texts') return [...((before as readonly string[] | undefined) ?? []), value];
  if (before !== undefined) throw new UsageError(`${rawName} is given twice.`);
  if (definition.type === 'text') return value;
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number)) throw new UsageError(`${rawName} is '${printable(value)}'; give ${definition.rule?.takes ?? 'a number'}.`);
  demandAllowed(rawName, number, definition);
  return number;
}

function demandAllowed(rawName: string, value: string | number, { rule }: OptionDefinition): void {
  if (rule !== undefined && !rule.allows(value)) throw new UsageError(`${rawName} is ${typeof value === 'number' ? value : `'${printable(value)}'`}; give ${rule.takes}.`);
}

function checkPositionals(positionals: readonly string[], command: Command): void {
  const wanted = command.positionals;
  const missing = wanted.find(({ optional }, i) => optional !== true && positionals[i] === undefined);
  if (missing !== undefined) throw new UsageError(`${missing.name} is missing: ${missing.description}`, helpHint(command));
  const empty = positionals.indexOf('');
  if (empty >= 0) throw new UsageError(`${(wanted[empty] ?? wanted.at(-1))?.name ?? 'An argument'} is empty.`, helpHint(command));
  if (positionals.length > wanted.length && wanted.at(-1)?.several !== true) {
    throw new UsageError(`'${printable(positionals[wanted.length]!)}' is one argument too many.`, helpHint(command));
  }
}

function helpHint(command: Command): string {
  return `See 'modelkeep ${command.path.join(' ')} --help'.`;
}
