import type { Registry, Stage } from 'modelkeep';
import { gates } from '../../src/registry/gates.ts';

/** The dataset of all evaluations. */
const january: `sha256:${string}` = `sha256:${'1'.repeat(64)}`;
const keys = crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);

/** What is asked of a registry about the model `m`. */
export type Command =
  | { readonly kind: 'createModel' }
  | { readonly kind: 'deleteModel' }
  | { readonly kind: 'register'; readonly text: string; readonly idempotent: boolean }
  | { readonly kind: 'promote'; readonly version: number; readonly stage: Stage; readonly from?: number | null | undefined }
  | { readonly kind: 'rollback'; readonly to: number | undefined; readonly from: number | null | undefined }
  | { readonly kind: 'setAlias'; readonly version: number; readonly alias: string }
  | { readonly kind: 'deleteAlias'; readonly alias: string }
  | { readonly kind: 'retire' | 'reinstate' | 'deleteVersion'; readonly version: number }
  | { readonly kind: 'promoteAs'; readonly ref: 'latest' | 'champion' | 'staging' | 'production'; readonly stage: Stage }
  | { readonly kind: 'approve' | 'withdrawApproval'; readonly version: number; readonly who: string }
  | { readonly kind: 'evaluate'; readonly version: number; readonly auc: number }
  | { readonly kind: 'sign'; readonly version: number }
  | { readonly kind: 'setPolicy'; readonly needs: number }
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
      return registry.promote(`m@${command.version}`, command.stage, { ...who, from: command.from });
    case 'rollback':
      return registry.rollback('m', { ...who, to: command.to, from: command.from });
    case 'setAlias':
      return registry.setAlias('m', command.alias, command.version, who);
    case 'deleteAlias':
      return registry.deleteAlias('m', command.alias, who);
    case 'promoteAs':
      return registry.promote(`m@${command.ref}`, command.stage, who);
    case 'approve':
    case 'withdrawApproval':
      return registry[command.kind](`m@${command.version}`, { by: command.who, reason: mark });
    case 'evaluate':
      return registry.recordEvaluation(`m@${command.version}`, { dataset: january, metrics: { auc: command.auc }, by: mark });
    case 'sign':
      return registry.sign(`m@${command.version}`, { ...who, ...(await keys) });
    case 'setPolicy':
      return registry.setPolicy('m', command.needs === 0 ? {} : { production: [gates.approvals(command.needs)] }, who);
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
