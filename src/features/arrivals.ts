import * as z from 'zod/mini';
import { decode, encode } from '../core/codec.ts';
import { escapeSegment, type Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import { check } from '../core/schema.ts';
import type { TriggerEvent, TriggerSource } from '../core/trigger-source.ts';
import type { LogPosition, StorageAdapter } from '../storage/contract.ts';
import type { Batch } from './batch.ts';

/** Which arrivals are told. */
export interface ArrivalsOptions {
  /** Tells of so many new rows at once, as soon as there are as many. @default 1: each batch */
  rows?: number | undefined;
}

/** Rows that came into a view. */
export interface Arrival {
  /** The view. */
  readonly view: string;
  /** How many rows came. */
  readonly rows: number;
  /** In how many batches. */
  readonly batches: number;
  /** The earliest event time among them, epoch milliseconds. */
  readonly from: number;
  /** The latest. */
  readonly to: number;
  /** When the last of them was ingested, epoch milliseconds. */
  readonly ingestedAt: number;
}

/** The note of a batch that came. */
export interface ArrivedBatch {
  readonly id: string;
  readonly rows: number;
  readonly from: number;
  readonly to: number;
  readonly ingestedAt: number;
  /** Whether its rows went online at once. */
  readonly online?: boolean | undefined;
}

const optionsSchema = /* @__PURE__ */ z.strictObject({ rows: z.optional(z.int().check(z.minimum(1))) });
const defaultLimit = 100;

function logKey(view: string): Key {
  return `features/arrivals/${escapeSegment(view)}`;
}

/** Notes that a batch is in the log. It comes before the batch's receipt is finished: a batch that was cut off is noted again, under the same id. */
export async function noteArrival(storage: StorageAdapter, view: string, timestamp: string, batch: Batch, online: boolean, options: OperationOptions): Promise<void> {
  const times = batch.table.columns[timestamp]!.values as Float64Array;
  let [from, to] = [Infinity, -Infinity];
  for (const time of times) {
    if (time < from) from = time;
    if (time > to) to = time;
  }
  const arrived: ArrivedBatch = { id: batch.id, rows: batch.table.rowCount, from, to, ingestedAt: batch.ingestedAt, ...(online && { online }) };
  await storage.append(logKey(view), [encode(arrived)], options);
}

/** The notes of the batches that came into a view, behind a position; one that was cut off may be there twice. */
export async function* readArrivals(storage: StorageAdapter, view: string, after: LogPosition | undefined, signal: AbortSignal | undefined): AsyncGenerator<{ batch: ArrivedBatch; position: LogPosition }> {
  const key = logKey(view);
  for await (const { bytes, position } of storage.readLog(key, { after, signal })) yield { batch: decode(bytes, key) as ArrivedBatch, position };
}

/** The batches that come into a view, as a source that starts pipelines. */
export function arrivalsOf(storage: StorageAdapter, view: string, options: ArrivalsOptions): TriggerSource<Arrival> {
  const { rows: wanted = 1 } = check(optionsSchema, options, 'options');
  return {
    id: `features/arrivals/${escapeSegment(view)}${wanted === 1 ? '' : `/${wanted}`}`,
    async poll(after, { signal, limit = defaultLimit } = {}) {
      const events: TriggerEvent<Arrival>[] = [];
      let next = after;
      let group: ArrivedBatch[] = [];
      for await (const { batch: arrived, position } of readArrivals(storage, view, after, signal)) {
        if (!group.some(({ id }) => id === arrived.id)) group.push(arrived);
        if (group.reduce((sum, { rows }) => sum + rows, 0) < wanted) continue;
        events.push(eventOf(view, group));
        group = [];
        next = position;
        if (events.length >= limit) break;
      }
      // Each writer's entries come in order, and those of several are put in order here.
      return { events: events.sort((a, b) => a.at - b.at), next };
    },
  };
}

function eventOf(view: string, group: readonly ArrivedBatch[]): TriggerEvent<Arrival> {
  const last = group.reduce((latest, each) => (each.ingestedAt >= latest.ingestedAt ? each : latest));
  const data: Arrival = {
    view,
    rows: group.reduce((sum, { rows }) => sum + rows, 0),
    batches: group.length,
    from: Math.min(...group.map(({ from }) => from)),
    to: Math.max(...group.map(({ to }) => to)),
    ingestedAt: last.ingestedAt,
  };
  return { id: `${view}/${last.id}`, at: last.ingestedAt, ref: { kind: 'feature-view', id: view }, data };
}
