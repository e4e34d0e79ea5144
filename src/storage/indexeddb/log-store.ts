import { promisifyRequest } from 'idb-keyval';
import { throwIfAborted } from '../../core/abort.ts';
import { IntegrityError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { LogEntry, LogPosition, LogQuery, Version } from '../contract.ts';
import { advancePosition, decodePosition, encodePosition } from '../log-position.ts';
import type { Database, StoreOf } from './database.ts';
import { GroupCommit, type Job } from './group-commit.ts';
import { arrayRange, headOf, headRange, type KeyRanges, parseHead } from './layout.ts';
import { packEntries, type PackedEntries, unpackEntries } from './packed-entries.ts';

/** Key of a row: log, writer, sequence of the last entry in it, bytes of it. */
type RowKey = [log: Key, writer: string, last: number, bytes: number];

interface EntriesRow extends PackedEntries {
  /** Log, writer and name of the append, on its last row. */
  readonly operation?: readonly string[] | undefined;
}

interface AppendJob extends Job {
  readonly log: Key;
  readonly writer: string;
  readonly packs: readonly PackedEntries[];
  readonly operationId: string | undefined;
  readonly flushed: boolean;
}

/** What a reader holds in memory at most, but for one row that is larger. */
const pageBytes = 4 << 20;
const pageRows = 512;

/** The logs of a database. */
export class LogStore {
  readonly #database: Database;
  readonly #ranges: KeyRanges;
  readonly #newVersion: () => Version;
  readonly #group = new GroupCommit<AppendJob, LogPosition>((jobs) => this.#commit(jobs));

  constructor(database: Database, ranges: KeyRanges, newVersion: () => Version) {
    this.#database = database;
    this.#ranges = ranges;
    this.#newVersion = newVersion;
  }

  append(log: Key, entries: readonly Uint8Array[], job: Omit<AppendJob, 'log' | 'packs'>): Promise<LogPosition> {
    return this.#group.add({ ...job, log, packs: packEntries(entries) });
  }

  async *read(log: Key, query: LogQuery): AsyncGenerator<LogEntry> {
    const vector = decodePosition(query.after);
    for (const [writer, end] of await this.#ends(log)) {
      let sequence = vector.get(writer) ?? 0;
      vector.delete(writer);
      const others = encodePosition(vector);
      for (let page; sequence < end && (page = await this.#page(log, writer, sequence + 1, end)).length > 0; ) {
        for (const [[, , last], row] of page) {
          const entries = unpackEntries(row);
          const first = last - (entries?.length ?? 0) + 1;
          if (entries === undefined || first > sequence + 1) {
            throw new IntegrityError(`The log ${log} is damaged after entry ${sequence} of ${writer}: what follows are not the bytes that were written. Restore it from a copy.`, { key: log });
          }
          for (let i = sequence + 1 - first; i < entries.length; i++) {
            throwIfAborted(query.signal, `Reading the log ${log}`);
            yield { writer, sequence: ++sequence, bytes: entries[i]!, position: advancePosition(others, writer, sequence) };
          }
        }
      }
      vector.set(writer, sequence);
    }
  }

  delete(log: Key): Promise<void> {
    return this.#database.transact('strict', ['logs', 'entries'], async (storeOf) => {
      storeOf('logs').delete(headRange(this.#ranges, log));
      storeOf('entries').delete(arrayRange(this.#ranges, log));
    });
  }

  /** The last sequence of each writer: one hop from writer to writer, however many rows they have. */
  #ends(log: Key): Promise<Map<string, number>> {
    return this.#database.transact('readonly', ['entries'], (storeOf) => {
      const request = storeOf('entries').openKeyCursor(arrayRange(this.#ranges, log), 'prev');
      const ends = new Map<string, number>();
      return new Promise((resolve, reject) => {
        request.onerror = () => reject(request.error!);
        request.onsuccess = () => {
          if (request.result === null) return resolve(ends);
          const [, writer, last] = request.result.key as RowKey;
          ends.set(writer, last);
          request.result.continue([log, writer]);
        };
      });
    });
  }

  /** The next rows of a writer, from the one with the entry `from`. */
  #page(log: Key, writer: string, from: number, end: number): Promise<[RowKey, EntriesRow][]> {
    return this.#database.transact('readonly', ['entries'], async (storeOf) => {
      const range = this.#ranges.bound([log, writer, from], [log, writer, end, []]);
      const keys = (await promisifyRequest(storeOf('entries').getAllKeys(range, pageRows))) as RowKey[];
      if (keys.length === 0) return [];
      let count = 1;
      for (let bytes = keys[0]![3]; count < keys.length && (bytes += keys[count]![3]) <= pageBytes; ) count++;
      const rows = (await promisifyRequest(storeOf('entries').getAll(this.#ranges.bound(keys[0]!, keys[count - 1]!)))) as EntriesRow[];
      return rows.map((row, i) => [keys[i]!, row]);
    });
  }

  #commit(jobs: readonly AppendJob[]): Promise<LogPosition[]> {
    return this.#database.transact(jobs.some((job) => job.flushed) ? 'strict' : 'relaxed', ['logs', 'entries'], async (storeOf) => {
      const [ends, heads, named] = await Promise.all([this.#endsOf(storeOf, jobs), this.#headsOf(storeOf, jobs), namedAppends(storeOf, jobs)]);
      const grown = new Map<Key, number>();
      const positions = jobs.map((job) => {
        const name = nameOf(job);
        const earlier = name && named.get(name.join());
        if (earlier !== undefined) return encodePosition(new Map([[job.writer, earlier]]));
        const end = putEntries(storeOf('entries'), job, ends.get(sequenceOf(job))!, grown);
        ends.set(sequenceOf(job), end);
        if (name && job.packs.length > 0) named.set(name.join(), end);
        return encodePosition(new Map([[job.writer, end]]));
      });
      for (const [log, bytes] of grown) {
        const head = heads.get(log);
        if (head !== undefined) storeOf('logs').delete(head);
        storeOf('logs').put(0, headOf(log, this.#newVersion(), (head === undefined ? 0 : parseHead(head).size) + bytes));
      }
      return positions;
    });
  }

  async #endsOf(storeOf: StoreOf, jobs: readonly AppendJob[]): Promise<Map<string, number>> {
    const sequences = new Map(jobs.map((job) => [sequenceOf(job), job]));
    const cursors = [...sequences.values()].map(({ log, writer }) => promisifyRequest(storeOf('entries').openKeyCursor(arrayRange(this.#ranges, log, writer), 'prev')));
    const found = await Promise.all(cursors);
    return new Map([...sequences.keys()].map((sequence, i) => [sequence, (found[i]?.key as RowKey | undefined)?.[2] ?? 0]));
  }

  async #headsOf(storeOf: StoreOf, jobs: readonly AppendJob[]): Promise<Map<Key, IDBValidKey | undefined>> {
    const logs = [...new Set(jobs.map(({ log }) => log))];
    const heads = await Promise.all(logs.map((log) => promisifyRequest(storeOf('logs').getKey(headRange(this.#ranges, log)))));
    return new Map(logs.map((log, i) => [log, heads[i]]));
  }
}

const sequenceOf = ({ log, writer }: AppendJob): string => `${log},${writer}`;

function nameOf({ log, writer, operationId }: AppendJob): string[] | undefined {
  return operationId === undefined ? undefined : [log, writer, operationId];
}

/** Where the named appends among `jobs` that were done before ended. */
async function namedAppends(storeOf: StoreOf, jobs: readonly AppendJob[]): Promise<Map<string, number>> {
  const names = jobs.map(nameOf).filter((name) => name !== undefined);
  const index = storeOf('entries').index('operation');
  const keys = await Promise.all(names.map((name) => promisifyRequest<IDBValidKey | undefined>(index.getKey(name))));
  return new Map(names.flatMap((name, i) => (keys[i] === undefined ? [] : [[name.join(), (keys[i] as RowKey)[2]]])));
}

/** Puts the packs of an append behind the entry `end` and gives the new end. */
function putEntries(store: IDBObjectStore, job: AppendJob, end: number, grown: Map<Key, number>): number {
  job.packs.forEach((pack, i) => {
    end += pack.lengths.length;
    const row: EntriesRow = i === job.packs.length - 1 && job.operationId !== undefined ? { ...pack, operation: nameOf(job) } : pack;
    store.put(row, [job.log, job.writer, end, pack.bytes.length] satisfies RowKey);
    grown.set(job.log, (grown.get(job.log) ?? 0) + pack.bytes.length);
  });
  return end;
}
