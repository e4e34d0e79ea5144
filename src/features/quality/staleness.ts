import type { Clock } from '../../core/clock.ts';
import { ValidationError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { TriggerEvent, TriggerPage, TriggerPollOptions } from '../../core/trigger-source.ts';
import type { LogPosition, StorageAdapter } from '../../storage/contract.ts';
import { readArrivals, type ArrivedBatch } from '../arrivals.ts';
import type { CurrentView } from '../definitions/definition-states.ts';
import { checkFreshnessOptions, expectationOf, newestOf, type FreshnessOptions } from './freshness.ts';

/** That a view became stale, or is fresh again. */
export interface StalenessChange {
  /** The view. */
  readonly view: string;
  /** What it is from now on. */
  readonly state: 'stale' | 'fresh';
  /** The moment of its newest row then, epoch milliseconds: of its event or its ingestion, as was asked for; of a view without rows, when it was defined. */
  readonly newest: number;
  /** How old that may be, in milliseconds. */
  readonly maxAge: number;
}

/** How far a consumer has come with a view. */
export interface ViewCursor {
  readonly position?: LogPosition | undefined;
  /** `null` before the first row. */
  readonly newest: number | null;
  readonly stale: boolean;
  /** What happened and was not told yet, since a poll wanted no more. */
  readonly left: readonly TriggerEvent<StalenessChange>[];
}

/** What a source of staleness works with. */
export interface StalenessContext {
  readonly storage: StorageAdapter;
  readonly clock: Clock;
  /** The view as it is in force, and when it was first defined. */
  readonly viewOf: (options: OperationOptions) => Promise<{ readonly current: CurrentView; readonly since: number }>;
}

/** What happened to a view since a cursor; without one, only whether it is stale by now. */
export async function pollStaleness(context: StalenessContext, options: FreshnessOptions, after: string | undefined, { signal, limit = 100 }: TriggerPollOptions): Promise<TriggerPage<StalenessChange>> {
  const next = await advance(context, options, after === undefined ? undefined : parseCursor(after), { signal });
  return { events: next.left.slice(0, limit), next: JSON.stringify({ ...next, left: next.left.slice(limit) } satisfies ViewCursor) };
}

/** The cursor of the present: what is stale already is not told of. */
export async function stalenessNow(context: StalenessContext, options: FreshnessOptions, operation: OperationOptions): Promise<string> {
  return JSON.stringify({ ...(await advance(context, options, undefined, operation)), left: [] } satisfies ViewCursor);
}

/** Where a consumer is when it has heard of all that happened to a view. */
export async function advance({ storage, clock, viewOf }: StalenessContext, options: FreshnessOptions, cursor: ViewCursor | undefined, operation: OperationOptions): Promise<ViewCursor> {
  checkFreshnessOptions(options);
  const { current, since } = await viewOf(operation);
  const { maxAge, by } = expectationOf(current, options);
  const { name } = current.view;
  if (maxAge === undefined) {
    throw new ValidationError(`Nobody says how old the rows of '${name}' may be; give { maxAge: '2h' }, or define the view with freshness: { maxAge: '2h' }.`, { path: 'options.maxAge' });
  }
  const batches: ArrivedBatch[] = [];
  let position = cursor?.position;
  for await (const arrived of readArrivals(storage, name, position, operation.signal)) {
    batches.push(arrived.batch);
    position = arrived.position;
  }
  const events: TriggerEvent<StalenessChange>[] = [...(cursor?.left ?? [])];
  let { newest, stale } = cursor ?? { newest: null, stale: false };
  const last = (): number => newest ?? since;
  const tell = (state: StalenessChange['state'], at: number, id: string): void => {
    stale = state === 'stale';
    events.push({ id: `${name}/${id}`, at, ref: { kind: 'feature-view', id: name }, data: { view: name, state, newest: last(), maxAge } });
  };
  const passTo = (now: number): void => {
    if (!stale && last() + maxAge < now) tell('stale', last() + maxAge, `stale/${by}/${last()}/${maxAge}`);
  };
  // Each writer's notes come in order, and those of several are put in order here. Of what was before anyone asked, only what it came to counts.
  for (const batch of batches.sort((a, b) => a.ingestedAt - b.ingestedAt)) {
    if (cursor !== undefined) passTo(batch.ingestedAt);
    newest = Math.max(newest ?? -Infinity, newestOf(batch, by));
    if (stale && newest + maxAge >= batch.ingestedAt) tell('fresh', batch.ingestedAt, `fresh/${by}/${batch.id}/${maxAge}`);
  }
  passTo(clock.now());
  return { position, newest, stale, left: events };
}

function parseCursor(text: string): ViewCursor {
  try {
    const cursor = JSON.parse(text) as ViewCursor;
    if (isViewCursor(cursor)) return cursor;
  } catch {
    // What is no JSON is no cursor either.
  }
  throw noCursor();
}

/** Whether what was read from a cursor's text tells how far one came with a view. */
export function isViewCursor(cursor: ViewCursor): boolean {
  return (cursor.newest === null || typeof cursor.newest === 'number') && typeof cursor.stale === 'boolean' && Array.isArray(cursor.left);
}

/** That a text is no cursor. */
export function noCursor(): ValidationError {
  return new ValidationError('after is no cursor of this source; give the next of a page, or nothing to begin.', { path: 'after' });
}
