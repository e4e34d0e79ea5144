import type { Command } from './command.ts';
import type { CommandLoaders } from './commands.ts';
import { printable } from './output/printable.ts';
import { leadingWords } from './parse-arguments.ts';
import { didYouMean } from './suggest.ts';
import { UsageError } from './usage-error.ts';

/** What a command line calls. */
export interface FoundCommand {
  readonly command: Command;
  /** The arguments without the words of the command. */
  readonly args: readonly string[];
}

/** The command whose words come first. Throws `UsageError` for words that call nothing, and where there are none. */
export async function findCommand(args: readonly string[], loaders: CommandLoaders): Promise<FoundCommand> {
  const words = leadingWords(args);
  if (words.length === 0) throw new UsageError('There is no command.', "See 'modelkeep help'.");
  const paths = Object.keys(loaders);
  for (const length of [2, 1]) {
    const some = words.slice(0, length);
    const load = some.length === length ? loaders[some.map(({ word }) => word).join(' ')] : undefined;
    if (load === undefined) continue;
    const taken = new Set(some.map(({ index }) => index));
    return { command: await load(), args: args.filter((_, i) => !taken.has(i)) };
  }
  throw unknownCommand(words.map(({ word }) => word), paths);
}

/** The commands of a group, such as `runs`, by the words behind it. */
export function commandsOf(group: string, paths: readonly string[]): string[] {
  return paths.filter((path) => path.startsWith(`${group} `)).map((path) => path.slice(group.length + 1));
}

function unknownCommand([first = '', second]: readonly string[], paths: readonly string[]): UsageError {
  const inside = commandsOf(first, paths);
  if (inside.length === 0) {
    const tops = new Set(paths.map((path) => path.split(' ')[0]!));
    return new UsageError(`There is no command '${printable(first)}'${didYouMean(first, tops) || '.'}`, "See 'modelkeep help'.");
  }
  const message = second === undefined ? `'${first}' needs a command behind it: ${inside.join(', ')}.` : `There is no command '${first} ${printable(second)}'${didYouMean(second, inside) || '.'}`;
  return new UsageError(message, `See 'modelkeep help ${first}'.`);
}
