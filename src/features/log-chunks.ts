import { throwIfAborted } from '../core/abort.ts';
import { isModelkeepError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { LogEntry, LogPosition } from '../storage/contract.ts';
import type { RewritableLog } from '../storage/rewritable-log.ts';
import { batchOrder, decodeBatch, type Batch } from './batch.ts';
import type { CurrentView } from './definitions/definition-states.ts';
import { LoadedRows, type RowSnapshot } from './loaded-rows.ts';

/** A batch in a log, and how to find it again. */
export interface LoggedBatch {
  /** Reading on from here meets it. */
  readonly after: LogPosition | undefined;
  readonly id: string;
  /** Event times of its rows. */
  readonly times: Float64Array;
}

/** As much of a log as is worked on at once. */
export interface LogChunk {
  readonly rows: RowSnapshot;
  readonly batches: readonly LoggedBatch[];
  /** The position behind it. */
  readonly position: LogPosition | undefined;
}

/** What is read instead of a chunk when the log was rewritten since: what was read of it before no longer counts. */
export const rewritten = 'rewritten';

const maxBytes = 32 * 1024 * 1024;
const maxRows = 2 ** 19;

/** The log behind a position in chunks of bounded size and at most so many batches, as of the time of reading. */
export async function* readChunks(current: CurrentView, log: RewritableLog, after: LogPosition | undefined, options: OperationOptions, mostBatches: number = Infinity): AsyncGenerator<LogChunk | typeof rewritten> {
  let chunk = new GrowingChunk(current);
  let position = after;
  try {
    for await (const entry of log.read({ after, signal: options.signal })) {
      throwIfAborted(options.signal, `Reading the rows of ${current.view.name}`);
      chunk.add(decodeBatch(entry.bytes, log.key), entry, position);
      position = entry.position;
      if (!chunk.isFull && chunk.size < mostBatches) continue;
      yield chunk.done(position);
      chunk = new GrowingChunk(current);
    }
  } catch (error) {
    if (!isModelkeepError(error, 'conflict')) throw error;
    yield rewritten;
    return;
  }
  if (chunk.size > 0) yield chunk.done(position);
}

/** Single batches of a log, which were met before, in chunks of bounded size. */
export async function* readBatches(current: CurrentView, log: RewritableLog, wanted: readonly Pick<LoggedBatch, 'after' | 'id'>[], options: OperationOptions): AsyncGenerator<LogChunk | typeof rewritten> {
  let chunk = new GrowingChunk(current);
  for (const { after, id } of wanted) {
    let found = false;
    try {
      for await (const entry of log.read({ after, signal: options.signal })) {
        throwIfAborted(options.signal, `Reading the rows of ${current.view.name}`);
        const batch = decodeBatch(entry.bytes, log.key);
        // Others may have come in between by now, of writers that were not known then.
        if (batch.id !== id) continue;
        chunk.add(batch, entry, after);
        found = true;
        break;
      }
    } catch (error) {
      if (!isModelkeepError(error, 'conflict')) throw error;
    }
    if (!found) {
      yield rewritten;
      return;
    }
    if (!chunk.isFull) continue;
    yield chunk.done(undefined);
    chunk = new GrowingChunk(current);
  }
  if (chunk.size > 0) yield chunk.done(undefined);
}

/** The batches of a log behind a position, by their order. */
export async function batchesAfter(log: RewritableLog, after: LogPosition | undefined, options: OperationOptions): Promise<ReadonlySet<string> | typeof rewritten> {
  const found = new Set<string>();
  try {
    for await (const entry of log.read({ after, signal: options.signal })) found.add(batchOrder(decodeBatch(entry.bytes, log.key)));
  } catch (error) {
    if (!isModelkeepError(error, 'conflict')) throw error;
    return rewritten;
  }
  return found;
}

class GrowingChunk {
  readonly #current: CurrentView;
  readonly #loaded: LoadedRows;
  readonly #batches: LoggedBatch[] = [];
  #bytes = 0;
  #rows = 0;

  constructor(current: CurrentView) {
    this.#current = current;
    this.#loaded = new LoadedRows(current);
  }

  get size(): number {
    return this.#batches.length;
  }

  get isFull(): boolean {
    return this.#bytes >= maxBytes || this.#rows >= maxRows;
  }

  add(batch: Batch, entry: LogEntry, after: LogPosition | undefined): void {
    this.#loaded.add(batch, entry.bytes.length);
    this.#bytes += entry.bytes.length;
    this.#rows += batch.table.rowCount;
    this.#batches.push({ after, id: batch.id, times: batch.table.columns[this.#current.view.timestamp]!.values as Float64Array });
  }

  done(position: LogPosition | undefined): LogChunk {
    return { rows: this.#loaded.snapshot(), batches: this.#batches, position };
  }
}
