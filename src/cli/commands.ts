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
  'features ls': async () => (await import('./commands/features/ls.ts')).featuresLs,
  'features get': async () => (await import('./commands/features/get.ts')).featuresGet,
  'features materialize': async () => (await import('./commands/features/materialize.ts')).featuresMaterialize,
  'pipelines ls': async () => (await import('./commands/pipelines/ls.ts')).pipelinesLs,
  'pipelines show': async () => (await import('./commands/pipelines/show.ts')).pipelinesShow,
  'pipelines resume': async () => (await import('./commands/pipelines/resume.ts')).pipelinesResume,
  'drift check': async () => (await import('./commands/drift/check.ts')).driftCheck,
  'drift ls': async () => (await import('./commands/drift/ls.ts')).driftLs,
  'drift show': async () => (await import('./commands/drift/show.ts')).driftShow,
  'ab ls': async () => (await import('./commands/ab/ls.ts')).abLs,
  'ab analyze': async () => (await import('./commands/ab/analyze.ts')).abAnalyze,
  report: async () => (await import('./commands/report.ts')).report,
  'store check': async () => (await import('./commands/store/check.ts')).storeCheck,
  'store gc': async () => (await import('./commands/store/gc.ts')).storeGc,
  'store export': async () => (await import('./commands/store/export.ts')).storeExport,
  'store import': async () => (await import('./commands/store/import.ts')).storeImport,
  'store migrate': async () => (await import('./commands/store/migrate.ts')).storeMigrate,
  maturity: async () => (await import('./commands/maturity.ts')).maturity,
  ui: async () => (await import('./commands/ui.ts')).ui,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  completion: async () => (await import('./commands/completion.ts')).completion,
};
