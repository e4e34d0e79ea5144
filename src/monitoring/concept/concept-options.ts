import * as z from 'zod/mini';
import { check } from '../../core/schema.ts';

/** How a monitor looks for a change of the losses of a model over time. */
export interface MonitorConceptOptions {
  /** `page-hinkley` is the quickest where the loss jumps, `adwin` where it creeps. @default 'page-hinkley' */
  readonly detector?: 'page-hinkley' | 'adwin' | undefined;
  /** In how many periods on average, or more, one version of the model gives one false alarm, while nothing changes and predictions are independent: 10 to 100,000. @default 200 */
  readonly periodsPerFalseAlarm?: number | undefined;
  /** How far apart the mean losses before and after a change have to be, in standard deviations of the loss, at least 0. @default 0.1 */
  readonly minEffect?: number | undefined;
}

/** {@link MonitorConceptOptions} with the defaults filled in. */
export interface ConceptSettings {
  readonly detector: 'page-hinkley' | 'adwin';
  readonly periodsPerFalseAlarm: number;
  readonly minEffect: number;
}

const schema = /* @__PURE__ */ z.strictObject({
  detector: z.optional(z.enum(['page-hinkley', 'adwin'])),
  periodsPerFalseAlarm: z.optional(z.number().check(z.minimum(10), z.maximum(100_000))),
  minEffect: z.optional(z.number().check(z.minimum(0), z.maximum(100))),
});

/** Checks how the losses are looked at; `undefined` when they are not. */
export function conceptSettings(options: unknown, path: string): ConceptSettings | undefined {
  if (options === undefined) return undefined;
  const { detector = 'page-hinkley', periodsPerFalseAlarm = 200, minEffect = 0.1 } = check(schema, options, path);
  return { detector, periodsPerFalseAlarm, minEffect };
}
