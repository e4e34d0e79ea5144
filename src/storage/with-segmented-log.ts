import { throwIfAborted } from '../core/abort.ts';
import { assertDigest } from '../core/digest.ts';
import { newId } from '../core/ids.ts';
import { assertKey, type Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import { clipRange } from './blob-range.ts';
import { checkedChunks } from './blob-source.ts';
import type { AdapterSupports, AppendOptions, InspectOptions, ListEntry, ListPage, LogPosition, RecordAdapter, StorageAdapter, StoreFinding } from './contract.ts';
import { checkListQuery, type CheckedListQuery } from './list-page.ts';
import { checkWriter } from './log-position.ts';
import { readOptionsBelow } from './read-below.ts';
import { SegmentAppender } from './segment-appender.ts';
import { decodeHead, headKey, logsRoot, recordsRoot } from './segment-layout.ts';
import { removeSegments, segmentLeftovers } from './segment-leftovers.ts';
import { parsePosition } from './segment-position.ts';
import { readEntries } from './segment-reading.ts';
import { SegmentSizes } from './segment-sizes.ts';
import { ViewLifetime } from './view-lifetime.ts';
import { checkEntries, checkMatch, checkWrite } from './write-check.ts';

const rememberedAppenders = 256;

/**
 * A whole adapter out of one that has records and blobs but no logs: what is appended together becomes one record, put on the condition that nothing is there yet, as
 * write-ahead logs on object stores do. All promises of logs follow from those of records, sharing between processes too: appends are all or nothing, exact under one writer's
 * name from several processes, and recognised when they are repeated.
 *
 * It also checks all that goes in, refuses calls whose signal has fired, and all calls once it is closed, so the adapter beneath need not. Closing it closes that one.
 *
 * The adapter beneath holds records under `records/`, the logs that are there under `logs/`, and their entries under `segments/` and `parts/`: a key has at most 992 bytes,
 * a log's 995. A list of logs asks for the segments of each, and is no faster than that.
 *
 * @param records - Must not be used by anyone else meanwhile, except through this function.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker, withSegmentedLog } from 'modelkeep';
 * import type { RecordAdapter } from 'modelkeep';
 *
 * // Here only to have one: an adapter of your own goes in its place.
 * const records: RecordAdapter = new MemoryStorage();
 * await using storage = withSegmentedLog(records);
 * const tracker = new Tracker({ storage });
 * await tracker.withRun({ experiment: 'demo' }, async (run) => run.logMetrics({ loss: 0.5 }));
 * ```
 */
export function withSegmentedLog(records: RecordAdapter): StorageAdapter {
  const supports: AdapterSupports = { ...records.supports, maxEntryBytes: records.supports.maxRecordBytes };
  const inside = (key: Key): Key => assertKey(recordsRoot + assertKey(key));
  const lifetime = new ViewLifetime(`The storage ${records.name} was closed; open another one.`);
  const sizes = new SegmentSizes(records);
  const appenders = new Appenders(records);
  const own = newId();
  const enter = <T>(call: string, options: OperationOptions | undefined, start: () => T | Promise<T>): Promise<T> =>
    lifetime.enter(() => {
      throwIfAborted(options?.signal, call);
      return start();
    });
  const close = async (): Promise<void> => {
    await lifetime.close();
    await appenders.settled();
    await records.close();
  };
  return {
    name: records.name,
    supports,
    read: (keys, options) => enter('read', options, () => records.read(keys.map(inside), readOptionsBelow(options, recordsRoot))),
    write: (operations, options) =>
      enter('write', options, () => {
        for (const operation of operations) checkWrite(operation, supports);
        return records.write(operations.map((operation) => ({ ...operation, key: inside(operation.key) })), options);
      }),
    list: (query, options) =>
      enter('list', options, () => {
        const checked = checkListQuery(query);
        if (checked.kind === 'blob') return records.list(checked, options);
        return checked.kind === 'log' ? listLogs(records, sizes, checked, options) : listRecords(records, checked, options);
      }),
    append: (log, entries, options: AppendOptions = {}) =>
      enter('append', options, () => {
        const writer = checkWriter(options.writer ?? own);
        checkEntries(log, entries, supports);
        headKey(log);
        return appenders.append(log, writer, entries.map((entry) => new Uint8Array(entry)), options);
      }),
    async *readLog(log, query) {
      lifetime.assertOpen();
      throwIfAborted(query?.signal, `Reading the log ${log}`);
      headKey(log);
      parsePosition(query?.after);
      yield* readEntries(records, log, query);
    },
    deleteLog: (log, options) => enter('deleteLog', options, () => deleteLog(records, log, options)),
    writeBlob: (source, options) =>
      enter('writeBlob', options, () => {
        if (options?.digest !== undefined) assertDigest(options.digest);
        return records.writeBlob(checkedChunks(source, options?.signal), options);
      }),
    readBlob: (digest, options) =>
      enter('readBlob', options, () => {
        clipRange(options?.range, 0);
        return records.readBlob(assertDigest(digest), options);
      }),
    deleteBlob: (digest, options) =>
      enter('deleteBlob', options, () => {
        checkMatch(options?.match, assertDigest(digest));
        return records.deleteBlob(digest, options);
      }),
    ...(records.onChange && { onChange: (wake) => lifetime.listen(() => records.onChange!(wake)) }),
    async *inspect(options?: InspectOptions): AsyncGenerator<StoreFinding> {
      lifetime.assertOpen();
      if (records.inspect) yield* records.inspect(options);
      yield* segmentLeftovers(records, options);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Who appends to which log as whom. */
class Appenders {
  readonly #records: RecordAdapter;
  readonly #appenders = new Map<string, SegmentAppender>();

  constructor(records: RecordAdapter) {
    this.#records = records;
  }

  append(log: Key, writer: string, entries: readonly Uint8Array[], { operationId, signal }: AppendOptions): Promise<LogPosition> {
    // No key has a space in it.
    const name = `${log} ${writer}`;
    const appender = this.#appenders.get(name) ?? new SegmentAppender(this.#records, log, writer);
    this.#appenders.delete(name);
    this.#appenders.set(name, appender);
    const appending = appender.append(entries, operationId, signal);
    if (this.#appenders.size > rememberedAppenders) this.#forgetIdle();
    return appending;
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#appenders.values()].map((appender) => appender.settled()));
  }

  #forgetIdle(): void {
    for (const [name, appender] of this.#appenders) {
      if (this.#appenders.size <= rememberedAppenders) return;
      if (appender.idle) this.#appenders.delete(name);
    }
  }
}

async function listRecords(records: RecordAdapter, { prefix, after, limit }: CheckedListQuery, options?: OperationOptions): Promise<ListPage> {
  const page = await records.list({ prefix: recordsRoot + prefix, after: after === undefined ? undefined : recordsRoot + after, limit }, options);
  const entries = page.entries.map((entry) => ({ ...entry, key: entry.key.slice(recordsRoot.length) }));
  return page.next === undefined ? { entries } : { entries, next: page.next.slice(recordsRoot.length) };
}

async function listLogs(records: RecordAdapter, sizes: SegmentSizes, query: CheckedListQuery, options?: OperationOptions): Promise<ListPage> {
  const entries: ListEntry[] = [];
  let after: string | undefined = query.after === undefined ? undefined : logsRoot + query.after;
  do {
    // One more than is asked for, to know whether there is another page; a log without entries is none.
    const page = await records.list({ prefix: logsRoot + query.prefix, after, limit: Math.min(1000, query.limit + 1 - entries.length) }, options);
    const heads = await records.read(page.entries.map(({ key }) => key), options);
    const found = await mapSome(page.entries, async ({ key }, i) => {
      const head = heads[i];
      return head && sizes.entryOf(key.slice(logsRoot.length), decodeHead(head.bytes, key), options);
    });
    for (const entry of found) if (entry) entries.push(entry);
    after = page.next;
  } while (after !== undefined && entries.length <= query.limit);
  if (entries.length <= query.limit) return { entries };
  entries.length = query.limit;
  return { entries, next: entries[query.limit - 1]!.key };
}

const atOnce = 16;

async function mapSome<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i]!, i);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return results;
}

async function deleteLog(records: RecordAdapter, log: Key, options: OperationOptions | undefined): Promise<void> {
  const key = headKey(log);
  const [record] = await records.read([key], options);
  if (record === undefined) return;
  const [result] = await records.write([{ kind: 'delete', key, condition: { match: record.version }, operationId: newId() }], options);
  // Otherwise someone else deleted it meanwhile, and may have begun it anew.
  if (result?.ok) await removeSegments(records, decodeHead(record.bytes, key), options);
}
