import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import { ValueHasher } from '../stats/sketches/hash-value.ts';
import type { LogPosition } from '../storage/contract.ts';
import type { RewritableLog } from '../storage/rewritable-log.ts';
import type { CurrentView } from './definitions/definition-states.ts';
import { readChunks, rewritten } from './log-chunks.ts';
import { heldOf, joinHeld, type HeldBatch } from './materialized-state.ts';
import { mergeRecord, recordBytes, unsure, type OnlineLayout, type OnlineRecord } from './online-record.ts';
import type { OnlineStore } from './online-store.ts';
import { RecordRows } from './record-rows.ts';

/** Hashes of entities lie below it. */
export const hashes: number = 2 ** 32;
/** Rows stay this much longer than the windows need, for serving processes whose clocks are behind, in milliseconds. */
const clockSlack = 3_600_000;
const maxBuiltBytes = 64 * 1024 * 1024;

/** From what records are built. */
export interface BuildSource {
  readonly current: CurrentView;
  readonly layout: OnlineLayout;
  readonly log: RewritableLog;
  readonly online: OnlineStore;
}

/** Which records are built. */
export interface BuildPlan {
  /** Event time up to which rows are wanted online: what is later is held. */
  readonly end: number;
  /** Rows are let go that count at no moment from this one on. */
  readonly keepFrom: number;
  /** Those of entities whose hashes are as high as this, or higher. @default 0 */
  readonly low?: number | undefined;
  /** Only these. @default all */
  readonly only?: ReadonlySet<Key> | undefined;
  /** Told of rows that were looked at. */
  readonly onRows?: ((rows: number) => void) | undefined;
}

/** Records that were built from a log. */
export interface BuiltRecords {
  /** With all their rows, those behind the plan's end too; none is folded. */
  readonly records: ReadonlyMap<Key, OnlineRecord>;
  /** They are those of entities whose hashes are below it, which is as high as memory allows. */
  readonly high: number;
  /** Where the log ended. */
  readonly position: LogPosition | undefined;
  readonly held: readonly HeldBatch[] | undefined;
}

/** The earliest moment at which features will still be asked for, of records with rows up to event time `end`. */
export function keepFrom(now: number, end: number): number {
  return Math.min(now, end) - clockSlack;
}

/** Builds records of a view from its whole log. */
export async function buildRecords(source: BuildSource, plan: BuildPlan, options: OperationOptions): Promise<BuiltRecords | typeof rewritten> {
  const { current, layout, log, online } = source;
  const { low = 0, only } = plan;
  const hasher = new ValueHasher();
  /** 32 bits of a key, which spread entities evenly over the parts of a rebuilding. */
  const hashOf = (key: Key): number => {
    hasher.hash(key);
    return hasher.high >>> 0;
  };
  const records = new Map<Key, OnlineRecord>();
  let [high, bytes] = [hashes, 0];
  let position: LogPosition | undefined;
  let held: readonly HeldBatch[] | undefined;
  for await (const chunk of readChunks(current, log, undefined, options)) {
    if (chunk === rewritten) return rewritten;
    const all = new RecordRows(chunk.rows, layout);
    for (const [code, texts] of chunk.rows.keys().entries()) {
      const key = online.keyOf(current, texts);
      const hash = hashOf(key);
      const rows = hash >= low && hash < high && only?.has(key) !== false ? all.of(code, Infinity) : undefined;
      if (rows === undefined) continue;
      const before = records.get(key);
      const built = mergeRecord(before, { rows }, layout, plan.keepFrom) ?? before;
      // Nothing is folded before all are there.
      if (built === undefined || built === unsure) continue;
      bytes += recordBytes(built) - (before ? recordBytes(before) : 0);
      records.set(key, built);
      while (bytes > maxBuiltBytes && records.size > 1 && high - low > 1) {
        high = low + Math.floor((high - low) / 2);
        for (const [each, record] of records) {
          if (hashOf(each) < high) continue;
          records.delete(each);
          bytes -= recordBytes(record);
        }
      }
    }
    position = chunk.position;
    held = joinHeld(held ?? [], heldOf(chunk.batches, plan.end));
    plan.onRows?.(chunk.rows.index.order.length);
  }
  return { records, high, position, held };
}
