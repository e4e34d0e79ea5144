import * as z from 'zod/mini';
import { canonicalJson } from '../../core/codec.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import { recordOf } from '../../core/option-schemas.ts';

/**
 * That the output of a step may be taken from an earlier run instead of running it, and what it depends on. It always depends on what the steps that it needs put out, by
 * content: when one of them runs again and puts out the same, the output can still be taken.
 */
export interface StepCacheOptions<Params = unknown> {
  /** Version of the step's code: give another whenever what it does changes, for its source is not looked at. 1 to 200 characters. */
  version: string;
  /** The params that the output depends on, by name; what these hold is compared whole. @default all params */
  params?: readonly (keyof Params & string)[] | undefined;
  /** What else it depends on, by name: the version of a library, the digest of an image. @default nothing else */
  environment?: Readonly<Record<string, string>> | undefined;
  /** How long an output may be taken after it was made. Not part of what it depends on: with another one, the same outputs are looked at anew. @default for ever */
  ttl?: Duration | undefined;
}

/** That the output of an item may be taken from whatever item was equal, in an earlier run or beside it, and what it depends on beside the item. */
export interface ItemCacheOptions<Inputs extends string = string, Params = unknown> extends StepCacheOptions<Params> {
  /** The inputs that the output of an item depends on, by name: leave out those that only `over` looks at, or each item runs when any is another. The work of an item that looks at one that is left out fails. @default all inputs */
  inputs?: readonly Inputs[] | undefined;
}

/** The cache options of a step, checked. */
export interface CachePolicy {
  readonly version: string;
  /** Absent for all. */
  readonly params?: readonly string[] | undefined;
  /** Those that the output of an item depends on; absent for all. */
  readonly inputs?: readonly string[] | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly ttlMs?: number | undefined;
}

const cacheShape = {
  version: z.string().check(z.minLength(1), z.maxLength(200)),
  params: z.optional(z.array(z.string())),
  environment: z.optional(recordOf(z.string(), z.string())),
  ttl: z.optional(z.custom<Duration>()),
};

/** Schema of a step's `cache` option. */
export const cacheOptionsSchema: z.ZodMiniType<StepCacheOptions<Readonly<Record<string, unknown>>>> = z.strictObject(cacheShape);

/** Schema of the `cache` option of a step that has items. */
export const itemCacheOptionsSchema: z.ZodMiniType<ItemCacheOptions<string, Readonly<Record<string, unknown>>>> = z.strictObject({ ...cacheShape, inputs: z.optional(z.array(z.string())) });

/** The policy that options ask for; throws `ValidationError`, naming `path`, for a `ttl` that is no time and for texts that cannot be stored. */
export function cachePolicy({ version, params, environment = {}, ttl }: StepCacheOptions<Readonly<Record<string, unknown>>>, path: string): CachePolicy {
  canonicalJson({ version, params, environment }, path);
  const ttlMs = ttl === undefined ? undefined : durationMs(ttl, `${path}.ttl`);
  if (ttlMs === 0) throw new ValidationError(`${path}.ttl is 0, so that no output could ever be taken; give a time, or leave the cache option out.`, { path: `${path}.ttl` });
  return { version, params: params && [...new Set(params)].sort(), environment, ttlMs };
}
