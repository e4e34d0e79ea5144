import type { Command, OptionDefinition } from '../../src/cli/command.ts';
import { commands } from '../../src/cli/commands.ts';
import { globalOptions } from '../../src/cli/global-options.ts';
import { environment, optionText, optionUsage, usageOf } from '../../src/cli/usage.ts';

/** The page whose reference is made of the definitions of the commands. */
export const commandLinePage = 'docs/command-line.md';

const begin = '<!-- commands: begin (npm run docs:sync) -->';
const end = '<!-- commands: end -->';

/** The page with the reference as the definitions have it. */
export async function withCommands(page: string): Promise<string> {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${commandLinePage} has no place for the commands; it needs the lines ${begin} and ${end}.`);
  const all = await Promise.all(Object.values(commands).map((load) => load()));
  const parts = [optionsTable('Options of every command', globalOptions), environmentTable(), ...all.map(commandPart)];
  return `${page.slice(0, from)}${begin}\n\n${parts.join('\n\n')}\n\n${page.slice(to)}`;
}

function commandPart(command: Command): string {
  const { path, summary, details = [], options, positionals, examples } = command;
  return [
    `### ${path.join(' ')}`,
    `    modelkeep ${usageOf(command)}`,
    [summary, ...details].map(inText).join(' '),
    ...(positionals.length === 0 ? [] : [positionals.map(({ name, description }) => `- \`${name}\`: ${inText(description)}`).join('\n')]),
    ...(Object.keys(options).length === 0 ? [] : [optionsTable('', options)]),
    ['```sh', ...examples.flatMap(({ command: line, does }) => [`# ${does}`, `npx modelkeep ${line}`]), '```'].join('\n'),
  ].join('\n\n');
}

function optionsTable(title: string, options: Readonly<Record<string, OptionDefinition>>): string {
  const rows = Object.entries(options).map(([name, option]) => `| \`${inCell(optionUsage(name, option))}\` | ${inCell(inText(optionText(option)))} |`);
  return [...(title === '' ? [] : [`### ${title}`, '']), '| option | what it does |', '| --- | --- |', ...rows].join('\n');
}

function environmentTable(): string {
  return ['### Environment', '', '| variable | what it does |', '| --- | --- |', ...environment.map(([name, text]) => `| \`${name}\` | ${inCell(inText(text))} |`)].join('\n');
}

function inText(text: string): string {
  return text.replace(/[<>*_]/g, (character) => `\\${character}`);
}

function inCell(text: string): string {
  return text.replaceAll('|', '\\|');
}
