import type { Command } from './command.ts';

/** How the command of each path is loaded: a command line loads the one that it calls. */
export type CommandLoaders = Readonly<Record<string, () => Promise<Command>>>;

/** All commands, in the order of the help. */
export const commands: CommandLoaders = {
  'runs ls': async () => (await import('./commands/runs/ls.ts')).runsLs,
  'runs show': async () => (await import('./commands/runs/show.ts')).runsShow,
  'runs compare': async () => (await import('./commands/runs/compare.ts')).runsCompare,
  'runs export': async () => (await import('./commands/runs/export.ts')).runsExport,
  'runs import': async () => (await import('./commands/runs/import.ts')).runsImport,
  'models ls': async () => (await import('./commands/models/ls.ts')).modelsLs,
  'models show': async () => (await import('./commands/models/show.ts')).modelsShow,
  'models check': async () => (await import('./commands/models/check.ts')).modelsCheck,
  'models promote': async () => (await import('./commands/models/promote.ts')).modelsPromote,
  'models rollback': async () => (await import('./commands/models/rollback.ts')).modelsRollback,
  'models verify': async () => (await import('./commands/models/verify.ts')).modelsVerify,
  'models card': async () => (await import('./commands/models/card.ts')).modelsCard,
  'models bom': async () => (await import('./commands/models/bom.ts')).modelsBom,
};
