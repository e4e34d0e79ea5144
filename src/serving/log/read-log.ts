import { throwIfAborted } from '../../core/abort.ts';
import type { Key } from '../../core/key.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { listAll, readValues } from '../../storage/records.ts';
import { FeedbackReader } from './feedback-reader.ts';
import { batchSpan, logPrefix, windowOf, windowSegment } from './log-keys.ts';
import { placeId, type LogPlace, type LogSelection } from './log-query.ts';
import type { LoggedPrediction, StoredPrediction } from './logged-prediction.ts';

const recordsPerRead = 16;

interface PlacedPrediction extends LogPlace {
  readonly prediction: StoredPrediction;
}

/** What a selection has of the log of a model, the newest first, each with what came of it. */
export async function* readLog(storage: StorageAdapter, model: string, selection: LogSelection): AsyncGenerator<LoggedPrediction, void, undefined> {
  const feedback = new FeedbackReader(storage, model, selection.signal);
  for await (const prediction of readPredictions(storage, model, selection)) {
    if (selection.selects(prediction)) yield { ...prediction, feedback: await feedback.of(prediction) };
  }
}

/** Predictions of a range, the newest first. Records may overlap in time, where several processes wrote them: what is yielded is newer than all that is still to come. */
async function* readPredictions(storage: StorageAdapter, model: string, selection: LogSelection): AsyncGenerator<StoredPrediction, void, undefined> {
  const { from, to, after, signal } = selection;
  // From the oldest to the newest, so that the next is at the end.
  const open: PlacedPrediction[] = [];
  for await (const { key, predictions } of readBatches(storage, model, selection)) {
    const { last } = batchSpan(key);
    // In whole milliseconds, as keys are.
    while (open.length > 0 && Math.floor(open.at(-1)!.at) > last) yield open.pop()!.prediction;
    throwIfAborted(signal, 'Reading predictions');
    for (const prediction of predictions) {
      const placed = { at: prediction.at, id: placeId(prediction), prediction };
      if (placed.at >= from && placed.at <= to && (after === undefined || compare(placed, after) < 0)) open.push(placed);
    }
    open.sort(compare);
  }
  while (open.length > 0) yield open.pop()!.prediction;
}

/** Records that may hold something of a range, in the order of their last moments, the newest first. */
async function* readBatches(storage: StorageAdapter, model: string, selection: LogSelection): AsyncGenerator<{ readonly key: Key; readonly predictions: readonly StoredPrediction[] }> {
  const prefix = logPrefix(model, 'predictions');
  const { from, signal } = selection;
  const newest = Math.min(selection.to, selection.after?.at ?? Infinity);
  const after = Number.isFinite(newest) ? `${prefix}${windowSegment(windowOf(newest))}` : undefined;
  let keys: Key[] = [];
  const read = async (): Promise<{ key: Key; predictions: readonly StoredPrediction[] }[]> => {
    const some = keys;
    keys = [];
    const records = await readValues<StoredPrediction[]>(storage, some, { signal });
    // Those that are gone meanwhile were too old to be kept.
    return some.map((key, r) => ({ key, predictions: records[r]?.value ?? [] }));
  };
  for await (const { key } of listAll(storage, { prefix, after }, { signal })) {
    const { first, last } = batchSpan(key);
    if (last < Math.floor(from)) break;
    if (first > newest) continue;
    keys.push(key);
    if (keys.length >= recordsPerRead) yield* await read();
  }
  yield* await read();
}

function compare(a: LogPlace, b: LogPlace): number {
  return a.at - b.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
