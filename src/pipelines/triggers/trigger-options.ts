import * as z from 'zod/mini';
import { durationMs, type Duration } from '../../core/duration.ts';
import { callable, having } from '../../core/option-schemas.ts';
import { check } from '../../core/schema.ts';
import type { TriggerEvent, TriggerSource } from '../../core/trigger-source.ts';
import { nameSchema } from '../step.ts';

/** Computes the params of the run for an event, as the schema takes them. It may be called more than once for an event, by several processes. */
export type TriggerParams<E, Input> = (event: TriggerEvent<E>) => Input | Promise<Input>;

/** How events start runs. */
export interface TriggerTiming {
  /** Names the trigger among those of the pipeline: how far it has come is stored under the name. @default the id of the source */
  readonly name?: string | undefined;
  /** Where a trigger begins that is new: with what happens from then on, or with all that ever happened. @default 'now' */
  readonly from?: 'now' | 'beginning' | undefined;
  /** Takes events together that come within so long of each other: one run, for the last of them. @default each event has a run */
  readonly debounce?: Duration | undefined;
  /** No event waits longer for others, however many come. @default ten times `debounce` */
  readonly maxWait?: Duration | undefined;
  /** How many runs of the trigger may go on at once, in all processes together; events wait meanwhile. @default 1 */
  readonly maxActiveRuns?: number | undefined;
}

/** What the runs of a trigger are started with. */
export interface TriggeredParams<E, Input> {
  /** Computes the params of each run. @default none, where the schema does without */
  readonly params: TriggerParams<E, Input>;
}

/** How a pipeline is triggered. `params` are required where the schema of the pipeline requires any. */
export type TriggerOptions<E, Input> = TriggerTiming & (undefined extends Input ? Partial<TriggeredParams<E, Input>> : TriggeredParams<E, Input>);

/** Checked options of a trigger. */
export interface TriggerSettings {
  readonly name: string;
  readonly source: TriggerSource<unknown>;
  readonly from: 'now' | 'beginning';
  /** 0 where each event has a run. */
  readonly debounceMs: number;
  readonly maxWaitMs: number;
  readonly maxActiveRuns: number;
  readonly params: TriggerParams<unknown, unknown> | undefined;
}

const sourceSchema = having<TriggerSource<unknown>>('poll', 'must be a source of events, such as registry.events()').check(
  z.refine(({ id }) => typeof id === 'string' && id !== '', 'must have an id'),
);
const schema = z.strictObject({
  name: z.optional(nameSchema),
  from: z.optional(z.enum(['now', 'beginning'])),
  debounce: z.optional(z.custom<Duration>()),
  maxWait: z.optional(z.custom<Duration>()),
  maxActiveRuns: z.optional(z.int().check(z.minimum(1), z.maximum(1000))),
  params: z.optional(callable<TriggerParams<unknown, unknown>>()),
});

/** Checks what a trigger is made with. */
export function checkTriggerOptions(given: unknown, options: TriggerTiming): TriggerSettings {
  const source = check(sourceSchema, given, 'source');
  const { name = source.id, from = 'now', debounce = 0, maxWait, maxActiveRuns = 1, params } = check(schema, options, 'options');
  const debounceMs = durationMs(debounce, 'options.debounce');
  const maxWaitMs = maxWait === undefined ? 10 * debounceMs : durationMs(maxWait, 'options.maxWait');
  return { name, source, from, debounceMs, maxWaitMs, maxActiveRuns, params };
}
