import * as z from 'zod/mini';
import { escapeSegment } from '../../core/key.ts';
import { check } from '../../core/schema.ts';
import type { TriggerSource } from '../../core/trigger-source.ts';
import type { FreshnessOptions } from './freshness.ts';
import type { StalenessChange, StalenessContext } from './staleness.ts';

const schema = /* @__PURE__ */ z.strictObject({ maxAge: z.optional(z.unknown()), by: z.optional(z.enum(['event', 'ingested'])) });

/** A source that tells when any view becomes stale and fresh again. */
export function stalenessOfAll(options: Omit<FreshnessOptions, 'signal'>, context: Omit<StalenessContext, 'viewOf'>): TriggerSource<StalenessChange> {
  check(schema, options, 'options');
  const { maxAge, by } = options;
  return {
    id: `features/staleness-of-all/${maxAge ?? 'declared'}/${by ?? 'declared'}`,
    async poll(after, polling = {}) {
      const { pollAllStaleness } = await import('./staleness-of-all.ts');
      return pollAllStaleness(context, options, after, polling);
    },
    async now(operation = {}) {
      const { allStalenessNow } = await import('./staleness-of-all.ts');
      return allStalenessNow(context, options, operation);
    },
  };
}

/** A source that tells when a view becomes stale and fresh again; what polls it is loaded when it is polled. */
export function stalenessOf(view: string, options: Omit<FreshnessOptions, 'signal'>, context: StalenessContext): TriggerSource<StalenessChange> {
  check(schema, options, 'options');
  const { maxAge, by } = options;
  return {
    id: `features/staleness/${escapeSegment(view)}/${maxAge ?? 'declared'}/${by ?? 'declared'}`,
    async poll(after, polling = {}) {
      const { pollStaleness } = await import('./staleness.ts');
      return pollStaleness(context, options, after, polling);
    },
    async now(operation = {}) {
      const { stalenessNow } = await import('./staleness.ts');
      return stalenessNow(context, options, operation);
    },
  };
}
