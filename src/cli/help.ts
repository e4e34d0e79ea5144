import type { Command, OptionDefinition } from './command.ts';
import type { CommandLoaders } from './commands.ts';
import { commandsOf } from './find-command.ts';
import { globalOptions } from './global-options.ts';
import type { TextPage } from './output/page.ts';
import { printable } from './output/printable.ts';
import { padded, textWidth, wrapped } from './output/text-width.ts';
import { didYouMean } from './suggest.ts';
import { environment, optionText, optionUsage, usageOf } from './usage.ts';
import { UsageError } from './usage-error.ts';

const widest = 100;

/** What `modelkeep` shows without a command: all of them in a line each. */
export async function overviewHelp(loaders: CommandLoaders, page: TextPage): Promise<string> {
  const all = await Promise.all(Object.values(loaders).map((load) => load()));
  return [
    `${page.style('head', 'modelkeep')}: the life of machine learning models, from the command line.`,
    `Usage: modelkeep <command> [options]`,
    section('Commands', listOf(all, page), page),
    section('Options of every command', optionLines(globalOptions, page), page),
    section('Environment', rows(environment, page), page),
    "Exit codes: 0 done, 1 error, 2 wrong usage, 3 a gate failed, 130 interrupted.\nSee 'modelkeep help <command>' for the options of a command, and examples.",
  ].join('\n\n');
}

/** The help of a command, or of a group of them. Throws `UsageError` when there is none of that name. */
export async function helpOf(words: readonly string[], loaders: CommandLoaders, page: TextPage): Promise<string> {
  const path = words.join(' ');
  const load = loaders[path];
  if (load !== undefined) return commandHelp(await load(), page);
  const inside = commandsOf(path, Object.keys(loaders));
  if (inside.length === 0) throw new UsageError(`There is no command '${printable(path)}'${didYouMean(path, Object.keys(loaders)) || '.'}`, "See 'modelkeep help'.");
  const group = await Promise.all(inside.map((name) => loaders[`${path} ${name}`]!()));
  return [`Usage: modelkeep ${path} <command> [options]`, section('Commands', listOf(group, page), page), `See 'modelkeep help ${path} <command>'.`].join('\n\n');
}

/** The help of one command. */
export function commandHelp(command: Command, page: TextPage): string {
  const { summary, details = [], options, positionals, examples } = command;
  const width = Math.min(page.width, widest);
  return [
    `Usage: modelkeep ${usageOf(command)}`,
    wrapped(summary, width),
    ...details.map((paragraph) => wrapped(paragraph, width)),
    ...(positionals.length === 0 ? [] : [section('Arguments', rows(positionals.map(({ name, description }) => [name, description]), page), page)]),
    ...(Object.keys(options).length === 0 ? [] : [section('Options', optionLines(options, page), page)]),
    section('Options of every command', optionLines(globalOptions, page), page),
    ...(examples.length === 0 ? [] : [section('Examples', examples.map(({ command: line, does }) => `${wrapped(`# ${does}`, width, '  ')}\n  modelkeep ${line}`).join('\n'), page)]),
  ].join('\n\n');
}

function listOf(all: readonly Command[], page: TextPage): string {
  return rows(all.map(({ path, summary }) => [path.join(' '), summary]), page);
}

function optionLines(options: Readonly<Record<string, OptionDefinition>>, page: TextPage): string {
  return rows(Object.entries(options).map(([name, option]) => [optionUsage(name, option), optionText(option)]), page);
}

function section(title: string, body: string, page: TextPage): string {
  return `${page.style('head', `${title}:`)}\n${body}`;
}

function rows(entries: readonly (readonly [string, string])[], page: TextPage): string {
  const first = Math.min(28, entries.reduce((most, [name]) => Math.max(most, textWidth(name)), 0));
  const width = Math.max(40, Math.min(page.width, widest));
  const indent = ' '.repeat(first + 4);
  return entries
    .map(([name, text]) => {
      const body = wrapped(text, width, indent);
      return textWidth(name) > first ? `  ${name}\n${body}` : `  ${padded(name, first)}  ${body.slice(indent.length)}`;
    })
    .join('\n');
}
