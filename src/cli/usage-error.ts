import { ValidationError, isModelkeepError } from '../core/errors.ts';
import type { Command } from './command.ts';
import type { OptionValue, ParsedArguments } from './parse-arguments.ts';

/** A command line that cannot be understood; it ends with code 2 and nothing was done. */
export class UsageError extends ValidationError {
  override name = 'UsageError';
  /** What to do, as a line of its own. */
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message, hint === undefined ? {} : { hint });
    this.hint = hint;
  }
}

/** What the library refused as the value of an option that was given, as wrong usage; undefined for any other error. What it refuses so it refuses before it does anything. */
export function usageError(error: unknown, { options, path: words }: Command, given: ParsedArguments): UsageError | undefined {
  if (error instanceof UsageError || !isModelkeepError(error, 'validation')) return undefined;
  const told: unknown = error.details['path'];
  if (typeof told !== 'string') return undefined;
  const found = Object.entries(options).find(([name, { path }]) => path !== undefined && isGiven(given.options[name]) && told.startsWith(path) && /^(?:$|[.[])/.test(told.slice(path.length)));
  if (found === undefined) return undefined;
  const [name, { path = '' }] = found;
  const message = error.message.startsWith(path) ? `--${name}${error.message.slice(path.length)}` : `--${name}: ${error.message}`;
  return new UsageError(message, `See 'modelkeep ${words.join(' ')} --help'.`);
}

function isGiven(value: OptionValue): boolean {
  return value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
}
