import * as z from 'zod/mini';
import { ValidationError } from '../core/errors.ts';
import { callable } from '../core/option-schemas.ts';
import { check } from '../core/schema.ts';
import { cachePolicy, itemCacheOptionsSchema, type CachePolicy, type ItemCacheOptions } from './caching/cache-options.ts';
import { defineStep, type MapHandle, type StepContext, type StepDefinition, type StepFacts, type StepInputs, type StepNeeds, type StepOptions, type StepSurroundings } from './step.ts';
import type { TriggerRule } from './trigger-rule.ts';

/** Which items a step has, and what is so of it and of each of them. */
export interface MapOptions<Needs extends StepNeeds, Params, Trigger extends TriggerRule, Item> extends Omit<StepOptions<Needs, Params, Trigger>, 'cache'> {
  /**
   * Lets the outputs of items be taken that were made for equal ones. The number of an item is no part of what its output depends on: one that has moved in the list takes what it had. `over` is asked each time. Is looked at before each attempt.
   *
   * @default each item runs each time
   */
  cache?: ItemCacheOptions<keyof NoInfer<Needs> & string, Params> | undefined;
  /**
   * The items, or what gives them when the step begins: an array, or an async iterable that ends. They are recorded, so that a run that goes on has the same ones, and this is not called again. At most 100,000; each must be plain data, bytes or
   * typed arrays.
   */
  over: readonly Item[] | ItemSource<StepInputs<Needs, Trigger>, Params, Item>;
  /** How many items run at once, within what the run allows. @default as many as the run allows */
  concurrency?: number | undefined;
}

/** What gives the items of a step. It is tried again as `retries` say, within `timeout`. */
export type ItemSource<Inputs, Params, Item> = (context: StepContext<Inputs, Params>) => readonly Item[] | AsyncIterable<Item> | Promise<readonly Item[] | AsyncIterable<Item>>;

/** What the work of an item is given that can be sent elsewhere. */
export interface ItemFacts<Inputs, Params, Item> extends StepFacts<Inputs, Params> {
  /** A copy of the item, as it was recorded. */
  readonly item: Item;
  /** Its number, counted from 0. */
  readonly index: number;
}

/** What the work of an item is given. */
export interface ItemContext<Inputs, Params, Item> extends StepContext<Inputs, Params>, ItemFacts<Inputs, Params, Item> {}

/** The work of an item. */
export type ItemFunction<Inputs, Params, Item, Output> = (context: ItemContext<Inputs, Params, Item>) => Output | Promise<Output>;

const itemsSchema = z.object({
  over: z.union([z.array(z.unknown()), callable<(context: StepContext<Readonly<Record<string, unknown>>, unknown>) => unknown>()]),
  concurrency: z.optional(z.int().check(z.minimum(1))),
  cache: z.optional(itemCacheOptionsSchema),
});

/** Checks a step that has items where it enters. */
export function defineMap(handle: MapHandle, options: unknown, run: StepDefinition['run'], surroundings: StepSurroundings): StepDefinition {
  const path = `step '${handle.name}'`;
  if (typeof options !== 'object' || options === null) {
    throw new ValidationError(`The second argument of ${path} is not an object; give its options, with over, and the work of an item as the third.`, { path });
  }
  const { over, concurrency, cache }: z.infer<typeof itemsSchema> = check(itemsSchema, options, path);
  const { over: _, concurrency: _most, cache: _policy, ...rest } = options as Partial<MapOptions<StepNeeds, unknown, TriggerRule, unknown>>;
  const given = Array.isArray(over) ? [...over] : undefined;
  const step = defineStep(handle, rest, run, surroundings);
  return { ...step, cache: cache && itemCache(cache, step, `${path}.cache`), items: { over: given ? () => given : (over as (context: StepContext<Readonly<Record<string, unknown>>, unknown>) => unknown), concurrency } };
}

/** The policy for the items of a step; throws `ValidationError` for an input that the step does not have. */
function itemCache({ inputs, ...options }: ItemCacheOptions<string, Readonly<Record<string, unknown>>>, { needs }: StepDefinition, path: string): CachePolicy {
  const unknown = inputs?.find((input) => !Object.hasOwn(needs, input));
  if (unknown !== undefined) throw new ValidationError(`${path}.inputs names '${unknown}', which is no input of the step; give names of its needs.`, { path: `${path}.inputs` });
  return { ...cachePolicy(options, path), ...(inputs && { inputs }) };
}
