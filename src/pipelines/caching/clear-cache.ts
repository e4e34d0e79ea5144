import * as z from 'zod/mini';
import type { Clock } from '../../core/clock.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { signalOption } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import type { RunStore } from '../run-store.ts';
import { nameSchema, type StepDefinition } from '../step.ts';
import { CacheStore } from './cache-store.ts';

/** Which outputs are forgotten: those of which all holds that is given. */
export interface ClearCacheOptions extends OperationOptions {
  /** Those of the step of this name only, which need not be defined any more. @default those of all steps */
  step?: string | undefined;
  /** Those only that were made longer ago than this, however often they were taken since. @default those of any age */
  olderThan?: Duration | undefined;
  /** Those only that are older than the `ttl` of their step, as it is defined here, so that nothing takes them; the outputs of a step that has none never are. @default false */
  expired?: boolean | undefined;
}

/** What the cache of a pipeline is cleared with. */
export interface CacheOwner {
  readonly store: RunStore;
  readonly steps: ReadonlyMap<string, StepDefinition>;
  readonly clock: Clock;
}

const schema = z.strictObject({ step: z.optional(nameSchema), olderThan: z.optional(z.custom<Duration>()), expired: z.optional(z.boolean()), signal: signalOption });

// Whoever was to give it back is surely gone.
const abandonedMs = 86_400_000;

/** Forgets outputs, and who was making one and died long ago; tells how many outputs there were. */
export async function clearCache({ store, steps, clock }: CacheOwner, options: ClearCacheOptions): Promise<number> {
  const { step, olderThan, expired = false, signal } = check(schema, options, 'options');
  const ageMs = olderThan === undefined ? undefined : durationMs(olderThan, 'options.olderThan');
  const cache = new CacheStore(store);
  const now = clock.now();
  await cache.sweepFlights(step, now - abandonedMs, { signal });
  if (!expired) return cache.clear(step, ageMs === undefined ? undefined : now - ageMs, { signal });
  let cleared = 0;
  for (const [name, { cache: policy }] of steps) {
    if (policy?.ttlMs === undefined || (step ?? name) !== name) continue;
    cleared += await cache.clear(name, now - Math.max(policy.ttlMs, ageMs ?? 0), { signal });
  }
  return cleared;
}
