import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { TriggerSource } from '../../core/trigger-source.ts';
import type { RolloutEvent } from './rollout-event.ts';
import type { RolloutStore } from './rollout-store.ts';

/** Which events of rollouts a source has. */
export interface RolloutEventsOptions {
  /** The types of events that it has, such as `rolled-back`. @default all */
  readonly types?: readonly RolloutEvent['type'][] | undefined;
}

/** What happens to the rollouts of a model, read by a cursor that their reader keeps. */
export interface RolloutEventSource extends TriggerSource<RolloutEvent> {
  /** The cursor behind all that has happened. */
  now(options?: OperationOptions): Promise<string>;
}

const types = ['started', 'judged', 'stage-entered', 'paused', 'resumed', 'promoting', 'promoted', 'completed', 'restoring', 'rolled-back', 'aborted'] as const satisfies readonly RolloutEvent['type'][];
const optionsSchema = z.strictObject({ types: z.optional(z.array(z.enum(types))) });
const pollSchema = z.object({ limit: z.optional(z.int().check(z.minimum(1), z.maximum(10_000))) });

/** The history of the rollouts of a model as a source: its cursor is the sequence of the last event that was read, wanted or not. */
export function rolloutEvents(store: RolloutStore, model: string, options: RolloutEventsOptions): RolloutEventSource {
  const kinds = check(optionsSchema, options, 'options').types;
  const wanted = kinds && [...new Set(kinds)].sort();
  return {
    id: `rollouts ${JSON.stringify({ model, ...(wanted && { types: wanted }) })}`,
    async poll(after, poll = {}) {
      const { limit = 100 } = check(pollSchema, poll, 'options');
      const from = after === undefined ? 0 : Number(after);
      if (!Number.isInteger(from) || from < 0) throw new ValidationError(`after is ${shown(after)}, which no poll gave.`, { path: 'after' });
      const { events } = await store.page(from, limit, poll.signal);
      const last = events.at(-1)?.sequence;
      const news = (events as readonly RolloutEvent[]).filter(({ type }) => wanted?.includes(type) ?? true);
      return { events: news.map((event) => ({ id: event.id, at: event.at, ref: event.subject, data: event })), next: last === undefined ? after : String(last) };
    },
    async now({ signal } = {}) {
      const history = await store.history({ signal });
      return String(history.at(-1)?.sequence ?? 0);
    },
  };
}
