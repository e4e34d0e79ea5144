import * as z from 'zod/mini';
import { throwIfAborted } from '../../core/abort.ts';
import { canonicalJson, decode, encode } from '../../core/codec.ts';
import { digestOf } from '../../core/digest.ts';
import { escapeSegment, type Key } from '../../core/key.ts';
import { progressOption, signalOption } from '../../core/option-schemas.ts';
import type { Page } from '../../core/page.ts';
import type { LongOperationOptions, OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { listAll, readValue } from '../../storage/records.ts';
import type { CurrentView } from '../definitions/definition-states.ts';
import { ForgottenKeys } from '../forgotten-keys.ts';
import type { RowSnapshot } from '../loaded-rows.ts';
import { ColumnSketch, type ColumnSketchState, type ColumnStatistics } from './column-sketch.ts';
import { momentOf } from './served-answers.ts';

/** Over which times the statistics of a view are wanted. */
export interface StatisticsQuery extends LongOperationOptions {
  /** Rows of this moment's day and later ones: epoch milliseconds, a date, or ISO 8601 text. @default from the first */
  from?: number | Date | string | undefined;
  /** Rows of this moment's day and earlier ones. @default to the last */
  to?: number | Date | string | undefined;
  /** Over how long each: by days, weeks (from Monday on) or months of event time in UTC, or all in one. @default 'day' */
  by?: 'day' | 'week' | 'month' | 'all' | undefined;
  /** The `next` of the page before. @default from the first */
  after?: string | undefined;
  /** At most so many periods. @default 100 */
  limit?: number | undefined;
}

/** Statistics of a view's rows over a time. */
export interface ViewStatistics {
  /** The first of its days that has rows, in UTC, such as `2024-05-01`. */
  readonly from: string;
  /** The last of its days that has rows. */
  readonly to: string;
  /** How many rows there are. */
  readonly rows: number;
  /** By column that the view is made of: its features that are columns, and what its aggregates are over. */
  readonly columns: Readonly<Record<string, ColumnStatistics>>;
}

/** Statistics of a day as they are stored. */
interface StoredDay {
  /** Of which rows they are: a digest of the batches, how many rows each has in the day, and the columns. */
  readonly signature: string;
  readonly columns: Readonly<Record<string, ColumnSketchState>>;
}

/** Rows of a day: of which batches, and how many. */
interface DayRows {
  readonly parts: { readonly batch: number; count: number }[];
}

const dayMs = 86_400_000;
const daysPerRead = 64;
const moment = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.unknown());
const schema = /* @__PURE__ */ z.strictObject({
  from: moment,
  to: moment,
  by: z.optional(z.enum(['day', 'week', 'month', 'all'])),
  after: z.optional(z.string()),
  limit: z.optional(z.int().check(z.minimum(1))),
  signal: signalOption,
  onProgress: progressOption,
});

/** Checks a query for statistics. */
export function checkStatisticsQuery(query: StatisticsQuery): { readonly from: number; readonly to: number } {
  check(schema, query, 'query');
  return { from: Math.floor(momentOf(query.from, 'query.from', -Infinity) / dayMs), to: Math.floor(momentOf(query.to, 'query.to', Infinity) / dayMs) };
}

/** Statistics of a view, a page of them; days whose rows are as they were when they were last counted are read, the others counted. */
export async function viewStatistics(storage: StorageAdapter, current: CurrentView, load: () => Promise<RowSnapshot>, query: StatisticsQuery): Promise<Page<ViewStatistics>> {
  const { from, to } = checkStatisticsQuery(query);
  const { by = 'day', after, limit = 100, signal } = query;
  const heard = await new ForgottenKeys(storage).heard(current.view.name, { signal });
  const snapshot = await load();
  const days = rowsByDay(snapshot, current.view.timestamp);
  const periods = new Map<string, number[]>();
  for (const day of [...days.keys()].sort((a, b) => a - b)) {
    if (day < from || day > to) continue;
    const period = periodOf(day, by);
    periods.set(period, [...(periods.get(period) ?? []), day]);
  }
  const due = [...periods].filter(([period]) => after === undefined || period > after);
  const page = due.slice(0, limit);
  const total = page.reduce((sum, [, each]) => sum + each.length, 0);
  let done = 0;
  const items: ViewStatistics[] = [];
  for (const [, each] of page) {
    const columns = new Map(Object.entries(current.columns).map(([name, type]) => [name, new ColumnSketch(type)]));
    for (let i = 0; i < each.length; i += daysPerRead) {
      throwIfAborted(signal, `Counting the rows of ${current.view.name}`);
      const some = each.slice(i, i + daysPerRead);
      for (const sketches of await sketchesOf(storage, current, snapshot, days, some, heard, { signal })) for (const [name, sketch] of columns) sketch.merge(sketches.get(name)!);
      done += some.length;
      query.onProgress?.({ phase: 'statistics', done, total });
    }
    const rows = each.reduce((sum, day) => sum + days.get(day)!.parts.reduce((part, { count }) => part + count, 0), 0);
    items.push({ from: nameOf(each[0]!), to: nameOf(each.at(-1)!), rows, columns: Object.fromEntries([...columns].map(([name, sketch]) => [name, sketch.statistics()])) });
  }
  return due.length > page.length ? { items, next: page.at(-1)![0] } : { items };
}

/** What is known of the columns of a day's rows: as it was last counted, or counted now where it never was; `undefined` when there are no rows. */
export async function sketchesOfDay(
  storage: StorageAdapter,
  current: CurrentView,
  name: string,
  load: () => Promise<RowSnapshot>,
  options: OperationOptions,
): Promise<ReadonlyMap<string, ColumnSketch> | undefined> {
  const day = momentOf(name, 'day', NaN) / dayMs;
  const key = keyOf(current, day);
  const stored = await readValue<StoredDay>(storage, key, options);
  if (stored !== undefined) return restored(stored.value);
  const heard = await new ForgottenKeys(storage).heard(current.view.name, options);
  const snapshot = await load();
  const days = rowsByDay(snapshot, current.view.timestamp);
  return days.has(day) ? (await sketchesOf(storage, current, snapshot, days, [day], heard, options))[0] : undefined;
}

/** Deletes what is stored of a view's statistics: values of an entity that is forgotten may be in it. */
export async function forgetStatistics(storage: StorageAdapter, view: string, options: OperationOptions): Promise<void> {
  const keys: Key[] = [];
  for await (const { key } of listAll(storage, { prefix: `features/statistics/${escapeSegment(view)}/` }, options)) keys.push(key);
  for (let i = 0; i < keys.length; i += daysPerRead) await storage.write(keys.slice(i, i + daysPerRead).map((key) => ({ kind: 'delete', key })), options);
}

async function sketchesOf(
  storage: StorageAdapter,
  current: CurrentView,
  snapshot: RowSnapshot,
  days: ReadonlyMap<number, DayRows>,
  wanted: readonly number[],
  heard: number,
  options: OperationOptions,
): Promise<Map<string, ColumnSketch>[]> {
  const keys = wanted.map((day) => keyOf(current, day));
  const signatures = wanted.map((day) => signatureOf(current, snapshot, days.get(day)!));
  const stored = (await storage.read(keys, options)).map((record, i) => record && (decode(record.bytes, keys[i]!) as StoredDay));
  const stale = new Set(wanted.filter((_, i) => stored[i]?.signature !== signatures[i]));
  const counted = countDays(current, snapshot, days, stale);
  if (stale.size > 0) {
    const writes = wanted.flatMap((day, i) => {
      if (!stale.has(day)) return [];
      const columns = Object.fromEntries([...counted.get(day)!].map(([name, sketch]) => [name, sketch.toJSON()]));
      const bytes = encode({ signature: signatures[i]!, columns } satisfies StoredDay);
      // A day that is too large to be stored is counted each time.
      return bytes.length > storage.supports.maxRecordBytes ? [] : [{ kind: 'put' as const, key: keys[i]!, bytes }];
    });
    await storage.write(writes, options);
    // Whoever forgot an entity meanwhile has deleted what was stored before this was.
    if ((await new ForgottenKeys(storage).notedAfter(current.view.name, heard, options)) !== undefined) {
      await storage.write(writes.map(({ key }) => ({ kind: 'delete', key })), options);
    }
  }
  return wanted.map((day, i) => counted.get(day) ?? restored(stored[i]!));
}

function restored({ columns }: StoredDay): Map<string, ColumnSketch> {
  return new Map(Object.entries(columns).map(([name, state]) => [name, new ColumnSketch(state.type, state)]));
}

function countDays(current: CurrentView, snapshot: RowSnapshot, days: ReadonlyMap<number, DayRows>, wanted: ReadonlySet<number>): Map<number, Map<string, ColumnSketch>> {
  const counted = new Map([...wanted].map((day) => [day, new Map(Object.entries(current.columns).map(([name, type]) => [name, new ColumnSketch(type)]))]));
  const concerned = new Set([...wanted].flatMap((day) => days.get(day)!.parts.map(({ batch }) => batch)));
  for (const b of [...concerned].sort((a, c) => a - c)) {
    const { columns } = snapshot.batches[b]!;
    const rows = new Map<number, number[]>();
    (columns[current.view.timestamp]!.values as Float64Array).forEach((time, row) => {
      const day = Math.floor(time / dayMs);
      if (wanted.has(day)) rows.set(day, rows.get(day) ?? []).get(day)!.push(row);
    });
    for (const [day, each] of rows) for (const [name, sketch] of counted.get(day)!) sketch.add(Object.hasOwn(columns, name) ? columns[name] : undefined, each);
  }
  return counted;
}

function rowsByDay(snapshot: RowSnapshot, timestamp: string): Map<number, DayRows> {
  const days = new Map<number, DayRows>();
  snapshot.batches.forEach(({ columns }, batch) => {
    for (const time of columns[timestamp]!.values as Float64Array) {
      const day = Math.floor(time / dayMs);
      let rows = days.get(day);
      if (rows === undefined) days.set(day, (rows = { parts: [] }));
      const last = rows.parts.at(-1);
      if (last?.batch === batch) last.count++;
      else rows.parts.push({ batch, count: 1 });
    }
  });
  return days;
}

function signatureOf(current: CurrentView, snapshot: RowSnapshot, { parts }: DayRows): string {
  return digestOf(canonicalJson([1, current.columns, parts.map(({ batch, count }) => [snapshot.batches[batch]!.order, count])]));
}

function keyOf(current: CurrentView, day: number): Key {
  return `features/statistics/${escapeSegment(current.view.name)}/${current.epoch}/v${current.version}/${escapeSegment(nameOf(day))}`;
}

/** A day in UTC. Years beyond four digits have a sign in front. */
function nameOf(day: number): string {
  return new Date(day * dayMs).toISOString().split('T')[0]!;
}

/** What names the period that a day is in; in the order of time. */
function periodOf(day: number, by: NonNullable<StatisticsQuery['by']>): string {
  // Day 0 was a Thursday.
  const first = by === 'week' ? day - ((((day + 3) % 7) + 7) % 7) : day;
  if (by === 'all') return 'all';
  return by === 'month' ? nameOf(first).slice(0, -3) : nameOf(first);
}
