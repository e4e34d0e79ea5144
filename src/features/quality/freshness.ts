import * as z from 'zod/mini';
import type { Clock } from '../../core/clock.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import { isSegment } from '../../core/key.ts';
import { signalOption } from '../../core/option-schemas.ts';
import type { Page } from '../../core/page.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import type { LogPosition, StorageAdapter } from '../../storage/contract.ts';
import { readArrivals, type ArrivedBatch } from '../arrivals.ts';
import { batchOrder } from '../batch.ts';
import type { CurrentView } from '../definitions/definition-states.ts';
import { batchesAfter, rewritten } from '../log-chunks.ts';
import { readState, type MaterializedState } from '../materialized-state.ts';
import type { OfflineLogs } from '../offline-log.ts';
import { everyView, unlessDamaged } from './every-view.ts';

/** When a view counts as stale. */
export interface FreshnessOptions extends OperationOptions {
  /** How old its newest row may be. @default what the view says */
  maxAge?: Duration | undefined;
  /** Whether age is counted from the row's event time or from its ingestion. @default what the view says, otherwise 'event' */
  by?: 'event' | 'ingested' | undefined;
}

/** How fresh a view is. Times are epoch milliseconds, lengths milliseconds. */
export interface ViewFreshness {
  /** The view. */
  readonly view: string;
  /** When it was looked at. */
  readonly at: number;
  /** The newest event time among its rows, `null` without any; a row of the future counts as of its ingestion. */
  readonly newestEvent: number | null;
  /** When rows came in last. */
  readonly newestIngested: number | null;
  /** The newest event time that is online for certain, materialized or ingested with `online`. */
  readonly newestOnline: number | null;
  /** When it was materialized last, `null` if never. */
  readonly materializedAt: number | null;
  /** How old its newest row is, by what `by` says. */
  readonly lag: number | null;
  /** How far the online records are behind the rows, in event time. */
  readonly onlineLag: number | null;
  /** How old its newest row may be, `null` when nobody said. */
  readonly maxAge: number | null;
  /** Whether it is older. A view without rows is stale once it was there so long. */
  readonly stale: boolean;
  /** That in words. */
  readonly reason: string;
}

/** Of which views it is asked how fresh they are. */
export interface AllFreshnessOptions extends FreshnessOptions {
  /** The `next` of the page before. @default from the first view */
  after?: string | undefined;
  /** At most so many views. @default 100 */
  limit?: number | undefined;
}

/** A view that cannot be read. */
export interface UnreadableView {
  /** The view. */
  readonly view: string;
  /** Why: an `IntegrityError` that names the place. */
  readonly error: unknown;
}

/** How fresh views are, by name. */
export interface FreshnessPage extends Page<ViewFreshness> {
  /** Those of the page's views that cannot be read, which hide none of the others. */
  readonly unreadable: readonly UnreadableView[];
}

/** What a view is held to. */
export interface Expectation {
  readonly maxAge: number | undefined;
  readonly by: 'event' | 'ingested';
}

const schema = /* @__PURE__ */ z.strictObject({ maxAge: z.optional(z.unknown()), by: z.optional(z.enum(['event', 'ingested'])), signal: signalOption });

const pageSchema = /* @__PURE__ */ z.extend(schema, { after: z.optional(z.string().check(z.refine(isSegment, "must be the 'next' of the page before"))), limit: z.optional(z.int().check(z.minimum(1))) });

/** Checks the options of `freshness` and `staleness` of a view. */
export function checkFreshnessOptions(options: FreshnessOptions): void {
  checkMaxAge(check(schema, options, 'options') as FreshnessOptions);
}

/** Checks the options of `freshness` of all views. */
export function checkAllFreshnessOptions(options: AllFreshnessOptions): void {
  checkMaxAge(check(pageSchema, options, 'options') as AllFreshnessOptions);
}

function checkMaxAge({ maxAge }: FreshnessOptions): void {
  if (maxAge !== undefined && durationMs(maxAge, 'options.maxAge') === 0) throw new ValidationError('options.maxAge is 0; give a length of time.', { path: 'options.maxAge' });
}

/** What a view is held to by a call, or by itself. */
export function expectationOf({ view }: CurrentView, { maxAge, by }: FreshnessOptions): Expectation {
  return { maxAge: maxAge === undefined ? view.freshness?.maxAge : durationMs(maxAge, 'options.maxAge'), by: by ?? view.freshness?.by ?? 'event' };
}

/** The moment from which a batch's newest row ages: never one that had not come when it was ingested. */
export function newestOf({ to, ingestedAt }: ArrivedBatch, by: Expectation['by']): number {
  return by === 'ingested' ? ingestedAt : Math.min(to, ingestedAt);
}

interface Seen {
  position: LogPosition | undefined;
  event: number;
  ingested: number;
  /** The newest event time that is online: what went there at once, and what materializations have read. */
  online: number;
  /** Batches with later rows, which may be online too. */
  pending: readonly ArrivedBatch[];
  /** How far the log was online when it was found that none of them is. */
  none: LogPosition | undefined;
}

/** Tells how fresh views are, from the notes of what arrived; what it read once it does not read again. */
export class FreshnessReader {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #logs: OfflineLogs;
  readonly #seen = new Map<string, Seen>();

  constructor(storage: StorageAdapter, clock: Clock, logs: OfflineLogs) {
    this.#storage = storage;
    this.#clock = clock;
    this.#logs = logs;
  }

  /** How fresh a view is that was defined at `since`. */
  async read(current: CurrentView, since: number, options: FreshnessOptions): Promise<ViewFreshness> {
    const { name } = current.view;
    const { maxAge, by } = expectationOf(current, options);
    const seen = await this.#readOn(name, options);
    const { value: state } = await readState(this.#storage, current, options);
    const online = await this.#online(current, seen, state, options);
    const at = this.#clock.now();
    const newest = by === 'event' ? seen.event : seen.ingested;
    const lag = at - (newest === -Infinity ? since : newest);
    const stale = maxAge !== undefined && lag > maxAge;
    const what = newest === -Infinity ? `'${name}' has no rows yet` : `The newest row of '${name}' ${by === 'event' ? 'is of' : 'came at'} ${new Date(newest).toISOString()}, ${lag} ms ago`;
    return {
      view: name,
      at,
      newestEvent: timeOf(seen.event),
      newestIngested: timeOf(seen.ingested),
      newestOnline: timeOf(online),
      materializedAt: state?.at ?? null,
      lag: newest === -Infinity ? null : lag,
      onlineLag: online === -Infinity ? null : seen.event - online,
      maxAge: maxAge ?? null,
      stale,
      reason: maxAge === undefined ? `${what}; nobody says how old it may be.` : `${what}, ${stale ? 'more than' : 'within'} the ${maxAge} ms that it may be.`,
    };
  }

  /** How fresh all views are, page by page. */
  async readAll({ after, limit = 100, ...options }: AllFreshnessOptions): Promise<FreshnessPage> {
    const items: ViewFreshness[] = [];
    const unreadable: UnreadableView[] = [];
    let last: string | undefined;
    for await (const each of everyView(this.#storage, after, options)) {
      if (items.length + unreadable.length === limit) return { items, unreadable, next: last! };
      last = each.place;
      const found = 'error' in each ? each : await unlessDamaged(() => this.read(each.defined.current, each.defined.since, options));
      if ('error' in found) unreadable.push({ view: each.name, error: found.error });
      else items.push(found.value);
    }
    return { items, unreadable };
  }

  async #readOn(view: string, { signal }: OperationOptions): Promise<Seen> {
    const known = this.#seen.get(view) ?? { position: undefined, event: -Infinity, ingested: -Infinity, online: -Infinity, pending: [], none: undefined };
    let { position, event, ingested, online } = known;
    const pending = [...known.pending];
    for await (const read of readArrivals(this.#storage, view, position, signal)) {
      const { batch } = read;
      position = read.position;
      event = Math.max(event, newestOf(batch, 'event'));
      ingested = Math.max(ingested, batch.ingestedAt);
      if (batch.online) online = Math.max(online, newestOf(batch, 'event'));
      else pending.push(batch);
    }
    const seen: Seen = { position, event, ingested, online, pending: pending.filter((batch) => newestOf(batch, 'event') > online), none: position === known.position ? known.none : undefined };
    this.#seen.set(view, seen);
    return seen;
  }

  /** The newest event time that is online for certain. A batch is, up to the end that was materialized, unless it lies behind what was read of the log by then: a row that came late is older than that end as well. */
  async #online(current: CurrentView, seen: Seen, state: MaterializedState | undefined, options: OperationOptions): Promise<number> {
    // While a call is at it, or after one that was cut off, some of it is not there yet.
    if (state?.end === undefined || state.begun !== undefined || seen.pending.length === 0) return seen.online;
    const { end, position } = state;
    if (position !== undefined && position === seen.none) return seen.online;
    const behind = await batchesAfter(this.#logs.of(current), position, options);
    if (behind === rewritten) return seen.online;
    let { online } = seen;
    for (const batch of seen.pending) {
      if (batch.from > end || behind.has(batchOrder(batch))) continue;
      // Of a batch that the end divides only the first row is known to be there.
      online = Math.max(online, batch.to <= end ? newestOf(batch, 'event') : batch.from);
    }
    const pending = seen.pending.filter((batch) => newestOf(batch, 'event') > online);
    this.#seen.set(current.view.name, { ...seen, online, pending, none: pending.every((batch) => behind.has(batchOrder(batch))) ? position : undefined });
    return online;
  }
}

function timeOf(time: number): number | null {
  return time === -Infinity ? null : time;
}
