import fc from 'fast-check';
import type { Stage } from 'modelkeep';
import type { Command } from './commands.ts';

// Mostly the first ones, so that commands meet.
const version = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) }, { weight: 1, arbitrary: fc.integer({ min: 4, max: 7 }) });
const alias = fc.constantFrom('champion', 'shadow');
const text = fc.constantFrom('a', 'b', 'c');

/** Any command, those that move versions about more often than those that take them away. */
export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('register' as const), text, idempotent: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('promote' as const), version, stage: fc.constantFrom<Stage>('production', 'production', 'production', 'staging', 'archived', 'none') }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('rollback' as const), to: fc.option(version, { nil: undefined, freq: 2 }), from: fc.option(version, { nil: undefined, freq: 1 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('setAlias' as const), version, alias }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('deleteAlias' as const), alias }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('retire' as const, 'reinstate' as const, 'deleteVersion' as const), version }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('approve' as const), version, who: fc.constantFrom('ann', 'bob') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('updateVersion' as const), version, text }) },
  { weight: 1, arbitrary: fc.constantFrom<Command>({ kind: 'createModel' }, { kind: 'createModel' }, { kind: 'deleteModel' }) },
);
