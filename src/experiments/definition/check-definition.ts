import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import { wellFormedCheck } from '../../core/option-schemas.ts';
import { isGrowthbookSum } from '../assignment/growthbook.ts';
import { checkConditions, conditionsSchema, type TargetConditions } from '../assignment/targeting.ts';
import type { ExperimentDefinition } from '../experiment-definition.ts';
import { checkAdaptive } from './check-adaptive.ts';
import { checkMetrics } from './check-metrics.ts';
import type { DefinitionOptions } from './definition-options.ts';
import { checkDistinct, nameSchema } from './names.ts';

const share = /* @__PURE__ */ z.number().check(z.minimum(0), z.maximum(1));

/** Schema of the parts of a definition, by option. */
export const definitionShape: Readonly<Record<keyof DefinitionOptions, z.ZodMiniType>> = {
  variants: /* @__PURE__ */ z
    .array(z.strictObject({ name: nameSchema, weight: z.optional(z.number().check(z.minimum(0), z.maximum(1e9))), version: z.optional(z.int().check(z.minimum(1))) }))
    .check(z.minLength(2), z.maxLength(1_000)),
  control: /* @__PURE__ */ z.optional(nameSchema),
  metrics: /* @__PURE__ */ z.optional(z.array(z.unknown()).check(z.maxLength(1_000))),
  salt: /* @__PURE__ */ z.optional(z.string().check(z.maxLength(1_000), wellFormedCheck)),
  hash: /* @__PURE__ */ z.optional(z.enum(['murmur3', 'growthbook-v1', 'growthbook-v2'])),
  coverage: /* @__PURE__ */ z.optional(share),
  layer: /* @__PURE__ */ z.optional(z.strictObject({ name: nameSchema, from: share, to: share })),
  holdout: /* @__PURE__ */ z.optional(z.strictObject({ share: share.check(z.lt(1)), salt: z.optional(nameSchema) })),
  targeting: /* @__PURE__ */ z.optional(z.union([conditionsSchema, z.array(conditionsSchema).check(z.minLength(1))])),
  segments: /* @__PURE__ */ z.optional(z.array(nameSchema).check(z.maxLength(100))),
  adaptive: /* @__PURE__ */ z.optional(
    z.union([z.boolean(), z.strictObject({ every: z.union([z.number(), z.string()]), method: z.optional(z.enum(['thompson', 'ucb'])), floor: z.optional(z.number().check(z.gt(0), z.lte(0.5))) })]),
  ),
};

/** The definition of a test of that name, of options that have the shape of a definition. Throws `ValidationError` that names what contradicts itself. */
export function checkDefinition(name: string, options: DefinitionOptions): ExperimentDefinition {
  const { variants, hash = 'murmur3', layer, holdout, targeting, segments = [] } = options;
  const names = variants.map((variant) => variant.name);
  checkDistinct(names, 'options.variants');
  checkDistinct(segments, 'options.segments');
  const control = options.control ?? names[0]!;
  if (!names.includes(control)) throw new ValidationError(`options.control is '${control}', which is none of the variants ${names.join(', ')}.`, { path: 'options.control' });
  checkWeights(variants.map(({ weight }) => weight), hash);
  if (layer !== undefined && layer.from >= layer.to) throw new ValidationError(`options.layer goes from ${layer.from} to ${layer.to}, so no unit is in it.`, { path: 'options.layer' });
  for (const [group, path] of groupsOf(targeting)) checkConditions(group, path);
  const metrics = checkMetrics(options.metrics ?? []);
  const weights = variants.map(({ weight = 1 }) => weight);
  return {
    variants: variants.map(({ name: each, weight = 1, version }) => ({ name: each, weight, ...(version !== undefined && { version }) })),
    control,
    metrics,
    salt: options.salt ?? name,
    hash,
    coverage: options.coverage ?? 1,
    ...(layer && { layer: { ...layer } }),
    ...(holdout && { holdout: { share: holdout.share, salt: holdout.salt ?? 'holdout' } }),
    ...(targeting && { targeting: structuredClone(targeting) }),
    segments: [...segments],
    adaptive: checkAdaptive(options.adaptive ?? false, metrics, weights),
  };
}

/** Refuses weights that divide nothing, or that GrowthBook would not take as they are. */
export function checkWeights(weights: readonly (number | undefined)[], hash: ExperimentDefinition['hash']): void {
  const sum = weights.reduce<number>((total, weight) => total + (weight ?? 1), 0);
  if (sum <= 0) throw new ValidationError('The weights of all variants are 0, so that no unit could take part; give at least one a weight.', { path: 'weights' });
  const equal = weights.every((weight) => (weight ?? 1) === (weights[0] ?? 1));
  if (hash === 'murmur3' || equal || isGrowthbookSum(sum)) return;
  throw new ValidationError(`The weights of the variants add up to ${sum}. GrowthBook takes such weights as equal ones; with its hash give weights that add up to 1, or none.`, { path: 'weights' });
}

function groupsOf(targeting: DefinitionOptions['targeting']): [TargetConditions, string][] {
  if (targeting === undefined) return [];
  if (!Array.isArray(targeting)) return [[targeting as TargetConditions, 'options.targeting']];
  return (targeting as readonly TargetConditions[]).map((group, i) => [group, `options.targeting[${i}]`]);
}
