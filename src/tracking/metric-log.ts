import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { decodeBatch, type MetricBatch } from './metric-batch.ts';

/** All points of one metric of a run, by step, then timestamp, then the order of logging. */
export interface MetricHistory {
  /** Whole numbers, ascending. */
  readonly steps: Float64Array;
  /** Any numbers, NaN and ±Infinity included. */
  readonly values: Float64Array;
  /** Epoch milliseconds. */
  readonly timestamps: Float64Array;
}

/** The batches in a run's log, each once. */
async function* readBatches(storage: StorageAdapter, log: Key, options: OperationOptions): AsyncGenerator<MetricBatch> {
  const seen = new Set<string>();
  for await (const entry of storage.readLog(log, { signal: options.signal })) {
    const batch = decodeBatch(entry.bytes, log);
    const id = `${batch.session}/${batch.number}`;
    if (seen.has(id)) continue;
    seen.add(id);
    yield batch;
  }
}

/** All points of one metric in a run's log. */
export async function readHistory(storage: StorageAdapter, log: Key, name: string, options: OperationOptions = {}): Promise<MetricHistory> {
  let rows = 0;
  const parts: MetricHistory[] = [];
  for await (const batch of readBatches(storage, log, options)) {
    const code = batch.names.indexOf(name);
    if (code < 0) continue;
    const part = pointsOf(batch, code);
    rows += part.values.length;
    parts.push(part);
  }
  const history = { steps: new Float64Array(rows), values: new Float64Array(rows), timestamps: new Float64Array(rows) };
  let at = 0;
  for (const part of parts) {
    history.steps.set(part.steps, at);
    history.values.set(part.values, at);
    history.timestamps.set(part.timestamps, at);
    at += part.values.length;
  }
  return inOrder(history);
}

function pointsOf({ codes, steps, timestamps, values }: MetricBatch, code: number): MetricHistory {
  let rows = 0;
  for (let i = 0; i < codes.length; i++) if (codes[i] === code) rows++;
  const part = { steps: new Float64Array(rows), values: new Float64Array(rows), timestamps: new Float64Array(rows) };
  let at = 0;
  for (let i = 0; i < codes.length; i++) {
    if (codes[i] !== code) continue;
    part.steps[at] = steps[i]!;
    part.values[at] = values[i]!;
    part.timestamps[at] = timestamps[i]!;
    at++;
  }
  return part;
}

function inOrder(history: MetricHistory): MetricHistory {
  const { steps, values, timestamps } = history;
  const compare = (a: number, b: number): number => steps[a]! - steps[b]! || timestamps[a]! - timestamps[b]! || a - b;
  let sorted = true;
  for (let i = 1; i < steps.length && sorted; i++) sorted = compare(i - 1, i) < 0;
  if (sorted) return history;
  const order = Uint32Array.from(steps, (_, i) => i).sort(compare);
  const pick = (column: Float64Array): Float64Array => Float64Array.from(order, (i) => column[i]!);
  return { steps: pick(steps), values: pick(values), timestamps: pick(timestamps) };
}
