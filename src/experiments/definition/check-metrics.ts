import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import type { Duration } from '../../core/duration.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { MetricOptions } from '../experiment-definition.ts';
import { checkDistinct, nameSchema, positiveMs } from './names.ts';

const duration = /* @__PURE__ */ z.optional(z.union([z.number(), z.string()]));
const bound = /* @__PURE__ */ z.optional(
  z.union([z.strictObject({ value: z.number() }), z.strictObject({ quantile: z.number().check(z.minimum(0), z.maximum(1)) })]),
);

const base = {
  name: nameSchema,
  role: /* @__PURE__ */ z.optional(z.enum(['primary', 'guardrail', 'secondary'])),
  goal: /* @__PURE__ */ z.optional(z.enum(['increase', 'decrease'])),
  window: duration,
  margin: /* @__PURE__ */ z.optional(z.number().check(z.minimum(0), z.maximum(1e9))),
};
const adjusted = { winsorize: /* @__PURE__ */ z.optional(z.strictObject({ lower: bound, upper: bound })), before: duration };

const unitSchema = /* @__PURE__ */ z.strictObject({ ...base, ...adjusted, kind: z.enum(['mean', 'count']), of: z.optional(nameSchema) });
// Zeros and ones have no extremes.
const proportionSchema = /* @__PURE__ */ z.strictObject({ ...base, before: duration, kind: z.literal('proportion'), of: z.optional(nameSchema) });
const ratioSchema = /* @__PURE__ */ z.strictObject({ ...base, ...adjusted, kind: z.literal('ratio'), numerator: nameSchema, denominator: nameSchema });
const quantileSchema = /* @__PURE__ */ z.strictObject({ ...base, kind: z.literal('quantile'), of: z.optional(nameSchema), probability: z.number().check(z.gt(0), z.lt(1)) });

const schemas: Readonly<Record<MetricOptions['kind'], z.ZodMiniType>> = { proportion: proportionSchema, mean: unitSchema, count: unitSchema, ratio: ratioSchema, quantile: quantileSchema };

/** Checks metrics where they enter, and gives them as they are stored. Throws `ValidationError` with the path of the first thing wrong. */
export function checkMetrics(metrics: readonly unknown[]): readonly MetricOptions[] {
  const checked = metrics.map((metric, i) => {
    const path = `options.metrics[${i}]`;
    const kind = (metric as Partial<MetricOptions> | null | undefined)?.kind;
    if (typeof kind !== 'string' || !Object.hasOwn(schemas, kind)) {
      throw new ValidationError(`${path}.kind is ${shown(kind, 80)}; give one of ${Object.keys(schemas).join(', ')}.`, { path: `${path}.kind` });
    }
    const options = check(schemas[kind], metric, path) as MetricOptions;
    checkTimes(options, path);
    return structuredClone(options);
  });
  checkDistinct(checked.map(({ name }) => name), 'options.metrics');
  return checked;
}

function checkTimes(metric: MetricOptions, path: string): void {
  const before: Duration | undefined = 'before' in metric ? metric.before : undefined;
  if (metric.window !== undefined) positiveMs(metric.window, `${path}.window`);
  if (before !== undefined) positiveMs(before, `${path}.before`);
}
