import fc from 'fast-check';
import type { Stage } from 'modelkeep';
import type { Command } from './commands.ts';

// Mostly the first ones, so that commands meet.
const version = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) }, { weight: 1, arbitrary: fc.integer({ min: 4, max: 7 }) });
// `null` expects that no version is there.
const incumbent = fc.oneof({ weight: 3, arbitrary: version }, { weight: 1, arbitrary: fc.constant(null) });
const alias = fc.constantFrom('champion', 'shadow');
const text = fc.constantFrom('a', 'b', 'c');

/** Any command, those that move versions about more often than those that take them away. */
export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('register' as const), text, idempotent: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('promote' as const), version, stage: fc.constantFrom<Stage>('production', 'production', 'production', 'staging', 'archived', 'none') }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('promote' as const), version, stage: fc.constantFrom<Stage>('production', 'production', 'staging'), from: incumbent }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('rollback' as const), to: fc.option(version, { nil: undefined, freq: 2 }), from: fc.option(incumbent, { nil: undefined, freq: 1 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('setAlias' as const), version, alias }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('deleteAlias' as const), alias }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('retire' as const, 'reinstate' as const, 'deleteVersion' as const), version }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('promoteAs' as const), ref: fc.constantFrom('latest' as const, 'champion' as const, 'staging' as const, 'production' as const), stage: fc.constantFrom<Stage>('production', 'staging', 'archived') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('approve' as const, 'approve' as const, 'withdrawApproval' as const), version, who: fc.constantFrom('ann', 'bob') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('evaluate' as const), version, auc: fc.constantFrom(0.25, 0.75) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sign' as const), version }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('setPolicy' as const), needs: fc.constantFrom(0, 0, 1, 2) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('updateVersion' as const), version, text }) },
  { weight: 1, arbitrary: fc.constantFrom<Command>({ kind: 'createModel' }, { kind: 'createModel' }, { kind: 'deleteModel' }) },
);
