import * as z from 'zod/mini';
import type { AuditEvent } from '../../core/audit.ts';
import { ValidationError } from '../../core/errors.ts';
import { escapeSegment } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { TriggerEvent, TriggerSource } from '../../core/trigger-source.ts';
import { readEachHead, type HeadLocation } from '../../storage/head-record.ts';
import type { HistoryPages } from '../../storage/history-pages.ts';
import type { AlertSilence } from './alert-silence.ts';
import { alertKinds } from './alert-options.ts';
import type { AlertKind, DriftAlert } from './alert-state.ts';

/** An alert with when it was decided. */
export type AlertEvent = AuditEvent<'alert', DriftAlert>;

/** That alerts were silenced, or are no longer: by whom and why. */
export type SilenceEvent = AuditEvent<'silenced' | 'silence-ended', AlertSilence>;

/** The alerts of a monitor that somebody is to be told of, read by a cursor that their reader keeps. */
export interface AlertSource extends TriggerSource<AlertEvent> {
  /** The cursor behind all alerts so far. */
  now(options?: OperationOptions): Promise<string>;
}

/** Which alerts a source has. */
export interface AlertsOptions {
  /** What the alerts are about, such as `data-drift`. @default everything */
  readonly kinds?: readonly AlertKind[] | undefined;
  /** Those that begin to fire, or those that are resolved. @default both */
  readonly status?: DriftAlert['status'] | undefined;
}

const optionsSchema = z.strictObject({ kinds: z.optional(z.array(z.enum(alertKinds)).check(z.minLength(1))), status: z.optional(z.enum(['firing', 'resolved'])) });
const pollSchema = z.object({ limit: z.optional(z.int().check(z.minimum(1), z.maximum(10_000))) });

/** Makes the source of a monitor's alerts: its history, read on from the sequence that was reached. */
export function alertSource(at: HeadLocation, name: string, options: AlertsOptions): AlertSource {
  const { kinds, status } = check(optionsSchema, options, 'options');
  const among = kinds && [...new Set(kinds)].sort();
  const parts = { ...(among && { kinds: among }), ...(status && { status }) };
  const isAsked = ({ type, data }: AlertEvent | SilenceEvent): boolean =>
    type === 'alert' && data.silenced === undefined && (among?.includes(data.kind) ?? true) && (status === undefined || data.status === status);
  // A poll reads on from where the one before ended.
  let pages: HistoryPages | undefined;
  const freshPages = async (): Promise<HistoryPages> => {
    const { HistoryPages } = await import('../../storage/history-pages.ts');
    return (pages = new HistoryPages(at));
  };
  return {
    id: `monitor.alerts/${escapeSegment(name)}${Object.keys(parts).length > 0 ? JSON.stringify(parts) : ''}`,
    async poll(after, poll = {}) {
      const { signal } = poll;
      const { limit = 100 } = check(pollSchema, poll, 'options');
      const reached = sequenceOf(after);
      // Nothing new costs one record, not the history.
      if ((await sequenceNow(at, { signal })) <= reached) return { events: [], next: after };
      const page = await (pages ?? (await freshPages())).page(reached, { limit, wants: (event) => isAsked(event as AlertEvent | SilenceEvent), signal });
      // What is remembered of a store that was put back is of no use.
      if (page.reached === reached) pages = undefined;
      // A copy that is not complete yet may lack events in between; they must not be passed over.
      const next = Math.min(page.next ?? page.reached, page.reached);
      const events = page.events.filter(({ sequence }) => sequence <= next).map((event): TriggerEvent<AlertEvent> => ({ id: event.id, at: event.at, ref: event.subject, data: event as AlertEvent }));
      return { events, next: String(next) };
    },
    now: async ({ signal } = {}) => String(await sequenceNow(at, { signal })),
  };
}

async function sequenceNow({ storage, key }: HeadLocation, options: OperationOptions): Promise<number> {
  const [head] = await readEachHead(storage, [key], options);
  if (head && 'error' in head) throw head.error;
  return head?.sequence ?? 0;
}

function sequenceOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new ValidationError(`${shown(cursor)} is not a cursor that alerts() gave.`, { path: 'after' });
}
