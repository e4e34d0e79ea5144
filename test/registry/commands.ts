import fc from 'fast-check';
import type { Registry, Stage } from 'modelkeep';

/** What is asked of a registry about the model `m`. */
export type Command =
  | { readonly kind: 'createModel' | 'deleteModel' }
  | { readonly kind: 'register'; readonly text: string; readonly idempotent: boolean }
  | { readonly kind: 'promote'; readonly version: number; readonly stage: Stage }
  | { readonly kind: 'rollback'; readonly to: number | undefined; readonly from: number | undefined }
  | { readonly kind: 'setAlias'; readonly version: number; readonly alias: string }
  | { readonly kind: 'deleteAlias'; readonly alias: string }
  | { readonly kind: 'retire' | 'reinstate' | 'deleteVersion'; readonly version: number }
  | { readonly kind: 'approve'; readonly version: number; readonly who: string }
  | { readonly kind: 'updateVersion'; readonly version: number; readonly text: string };

const version = fc.integer({ min: 1, max: 7 });
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
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('createModel' as const, 'createModel' as const, 'deleteModel' as const) }) },
);

/** Has a registry do a command. `mark` is in the event that it makes, as its reason or as whoever made it. */
export async function perform(registry: Registry, command: Command, mark: string): Promise<unknown> {
  const who = { by: 'tester', reason: mark };
  switch (command.kind) {
    case 'createModel':
      return registry.createModel('m', { by: mark });
    case 'deleteModel':
      return registry.deleteModel('m', who);
    case 'register':
      return registry.registerVersion('m', { files: filesOf(command.text), idempotent: command.idempotent, createdBy: mark });
    case 'promote':
      return registry.promote(`m@${command.version}`, command.stage, who);
    case 'rollback':
      return registry.rollback('m', { ...who, to: command.to, from: command.from });
    case 'setAlias':
      return registry.setAlias('m', command.alias, command.version, who);
    case 'deleteAlias':
      return registry.deleteAlias('m', command.alias, who);
    case 'approve':
      return registry.approve(`m@${command.version}`, { by: command.who, reason: mark });
    case 'updateVersion':
      return registry.updateVersion(`m@${command.version}`, { description: command.text, by: mark });
    default:
      return registry[command.kind](`m@${command.version}`, who);
  }
}

/** What a version of that text holds. */
export function filesOf(contents: string): Record<string, string> {
  return { 'model.json': `{"layers":"${contents}"}`, shared: 'the same in each' };
}
