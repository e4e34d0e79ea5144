import * as z from 'zod/mini';
import { isDigest, type Digest } from '../core/digest.ts';
import { check } from '../core/schema.ts';
import { checkAlias } from './alias.ts';
import { checkDataset, storedDriftSchema, type DatasetPointer } from './evaluation.ts';
import { checkPolicy, type Policy } from './gates.ts';
import { checkStoredFiles } from './model-files.ts';
import { checkModelName, parseReference } from './model-name.ts';
import { changeShapes, checkIncumbent, stageSchema } from './registry-options.ts';
import type { RegistryChange, RegistryChangeInputs } from './registry-changes.ts';
import type { Stage } from './stages.ts';
import { checkSignature } from '../core/signature/check-signature.ts';
import { storedFactShapes } from './version-facts.ts';

const text = z.string().check(z.minLength(1));
const dataset = z.strictObject({ digest: z.string(), name: z.optional(z.string()) });
const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'must be a digest');
const file = z.strictObject({
  path: z.string(),
  size: z.int().check(z.minimum(0)),
  digest,
});

/** What each change is given when it comes from another process, by the name of the change. */
export const changeSchemas: { readonly [change in RegistryChange]: z.ZodMiniType } = {
  createModel: z.strictObject({ ...changeShapes.createModel, model: text }),
  updateModel: z.strictObject({ ...changeShapes.updateModel, model: text }),
  deleteModel: z.strictObject({ ...changeShapes.deleteModel, model: text }),
  registerVersion: z.strictObject({ ...changeShapes.registerVersion, ...storedFactShapes, model: text, files: z.array(file) }),
  updateVersion: z.strictObject({ ...changeShapes.updateVersion, ref: text }),
  deleteVersion: z.strictObject({ ...changeShapes.deleteVersion, ref: text }),
  retire: z.strictObject({ ...changeShapes.retire, ref: text }),
  reinstate: z.strictObject({ ...changeShapes.reinstate, ref: text }),
  setAlias: z.strictObject({ ...changeShapes.setAlias, model: text }),
  deleteAlias: z.strictObject({ ...changeShapes.deleteAlias, model: text }),
  approve: z.strictObject({ ...changeShapes.approve, ref: text }),
  withdrawApproval: z.strictObject({ ...changeShapes.withdrawApproval, ref: text }),
  sign: z.strictObject({ ...changeShapes.sign, ref: text, bundle: z.looseObject({}) }),
  setPolicy: z.strictObject({ ...changeShapes.setPolicy, model: text, policy: z.looseObject({}) }),
  recordEvaluation: z.strictObject({
    ...changeShapes.recordEvaluation,
    ref: text,
    dataset,
    predictions: z.optional(z.strictObject({ digest, size: z.int().check(z.minimum(0)), rows: z.int().check(z.minimum(1)) })),
    drift: z.optional(storedDriftSchema),
  }),
  promote: z.strictObject({ ...changeShapes.promote, ref: text, stage: stageSchema }),
  rollback: z.strictObject({ ...changeShapes.rollback, model: text }),
};

/** Whether a registry has a change of that name. */
export function isRegistryChange(name: string): name is RegistryChange {
  return Object.hasOwn(changeSchemas, name);
}

/** A change that came from another process, checked, and made by whom that process is known to be. */
export interface CheckedChange<C extends RegistryChange = RegistryChange> {
  readonly change: C;
  /** The model that it changes. */
  readonly model: string;
  readonly input: RegistryChangeInputs[C];
}

/** Checks what another process asks for; `actor`, where it is known, takes the place of whoever it says it is. Throws `ValidationError`. */
export function checkChange(change: RegistryChange, given: unknown, actor: string | undefined): CheckedChange {
  const author = actor === undefined ? {} : change === 'registerVersion' ? { createdBy: actor } : { by: actor };
  const named = typeof given === 'object' && given !== null ? { ...given, ...author } : given;
  const input = check(changeSchemas[change], named, 'input') as Record<string, unknown>;
  const model = 'ref' in input ? parseReference(input['ref'] as string, 'input.ref').model : checkModelName(input['model'] as string, 'input.model');
  return { change, model, input: { ...input, ...('model' in input && { model }), ...completed(change, input, model) } as unknown as CheckedChange['input'] };
}

/** The parts that a schema alone cannot check, and the defaults. */
function completed(change: RegistryChange, input: Record<string, unknown>, model: string): object {
  const where = input['dataset'] === undefined ? {} : { dataset: checkDataset(input['dataset'] as DatasetPointer, 'input.dataset') };
  switch (change) {
    case 'createModel':
      return { tags: input['tags'] ?? {} };
    case 'registerVersion':
      return {
        tags: input['tags'] ?? {},
        metrics: input['metrics'] ?? {},
        idempotent: input['idempotent'] ?? false,
        files: checkStoredFiles(input['files'] as { path: string; size: number; digest: Digest }[]),
        ...(input['signature'] === undefined ? {} : { signature: checkSignature(input['signature'], 'input.signature') }),
        ...where,
      };
    case 'setAlias':
    case 'deleteAlias':
      return { alias: checkAlias(input['alias'] as string, 'input.alias') };
    case 'rollback':
      return { verifyAll: input['verifyAll'] ?? false };
    case 'setPolicy':
      return { policy: checkPolicy(input['policy'] as Policy, model) };
    case 'promote':
      checkIncumbent(input['from'] as number | null | undefined, input['stage'] as Stage, 'input.from');
      return { force: input['force'] ?? false };
    default:
      return where;
  }
}
