import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { TriggerSource } from '../../core/trigger-source.ts';
import type { RolloutEvent } from './rollout-event.ts';
import type { RolloutStore } from './rollout-store.ts';

const pollSchema = z.object({ limit: z.optional(z.int().check(z.minimum(1), z.maximum(10_000))) });

/** The history of the rollouts of a model as a source that is read by a cursor: the sequence of the last event that was read. */
export function rolloutEvents(store: RolloutStore, model: string): TriggerSource<RolloutEvent> & { now(): Promise<string> } {
  return {
    id: `rollouts ${JSON.stringify(model)}`,
    async poll(after, options = {}) {
      const { limit = 100 } = check(pollSchema, options, 'options');
      const from = after === undefined ? 0 : Number(after);
      if (!Number.isInteger(from) || from < 0) throw new ValidationError(`after is ${shown(after)}, which no poll gave.`, { path: 'after' });
      const { events } = await store.page(from, limit, options.signal);
      const last = events.at(-1)?.sequence;
      return { events: (events as readonly RolloutEvent[]).map((event) => ({ id: event.id, at: event.at, ref: event.subject, data: event })), next: last === undefined ? after : String(last) };
    },
    async now() {
      const history = await store.history();
      return String(history.at(-1)?.sequence ?? 0);
    },
  };
}
