import type { Command } from './command.ts';

/** How the command of each path is loaded: a command line loads the one that it calls. */
export type CommandLoaders = Readonly<Record<string, () => Promise<Command>>>;

/** All commands, in the order of the help. */
export const commands: CommandLoaders = {
  'runs ls': async () => (await import('./commands/runs/ls.ts')).runsLs,
  'runs show': async () => (await import('./commands/runs/show.ts')).runsShow,
};
