import type { Registry, Stage } from 'modelkeep';

/** What is asked of a registry about the model `m`. */
export type Command =
  | { readonly kind: 'createModel' }
  | { readonly kind: 'deleteModel' }
  | { readonly kind: 'register'; readonly text: string; readonly idempotent: boolean }
  | { readonly kind: 'promote'; readonly version: number; readonly stage: Stage }
  | { readonly kind: 'rollback'; readonly to: number | undefined; readonly from: number | undefined }
  | { readonly kind: 'setAlias'; readonly version: number; readonly alias: string }
  | { readonly kind: 'deleteAlias'; readonly alias: string }
  | { readonly kind: 'retire' | 'reinstate' | 'deleteVersion'; readonly version: number }
  | { readonly kind: 'approve'; readonly version: number; readonly who: string }
  | { readonly kind: 'updateVersion'; readonly version: number; readonly text: string };

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
