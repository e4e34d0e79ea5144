import { promisifyRequest } from 'idb-keyval';
import { throwIfAborted } from '../../core/abort.ts';
import { IntegrityError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { LogEntry, LogPosition, LogQuery } from '../contract.ts';
import { advancePosition, decodePosition, encodePosition } from '../log-position.ts';
import type { Database } from './database.ts';
import { groupCommit } from './group-commit.ts';
import { arrayRange, findAll, headOf, headRange, parseHead } from './layout.ts';
import { type PackedEntries, unpackEntries } from './packed-entries.ts';

/** Key of a row: log, writer, sequence of the last entry in it, bytes of it. */
type RowKey = [log: Key, writer: string, last: number, bytes: number];

interface EntriesRow extends PackedEntries {
  /** Log, writer and name of the append, on its last row. */
  readonly names?: string;
}

interface AppendJob {
  readonly signal: AbortSignal | undefined;
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
  readonly append: (job: AppendJob) => Promise<LogPosition> = groupCommit((jobs) => this.#commit(jobs));

  constructor(database: Database) {
    this.#database = database;
  }

  async *read(log: Key, { after, signal }: LogQuery): AsyncGenerator<LogEntry> {
    const vector = decodePosition(after);
    for (const [writer, end] of await this.#ends(log)) {
      let sequence = vector.get(writer) ?? 0;
      vector.delete(writer);
      const others = encodePosition(vector);
      for (let page; sequence < end && (page = await this.#page(log, writer, sequence + 1, end)).length > 0; ) {
        for (const [[, , last], row] of page) {
          const entries = unpackEntries(row) ?? [];
          const first = last - entries.length + 1;
          if (first > sequence + 1) throw new IntegrityError(`The log ${log} is damaged behind entry ${sequence} of ${writer}. Restore it from a copy.`, { key: log });
          for (const bytes of entries.slice(sequence + 1 - first)) {
            throwIfAborted(signal, `Reading the log ${log}`);
            yield { writer, sequence: ++sequence, bytes, position: advancePosition(others, writer, sequence) };
          }
        }
      }
      vector.set(writer, sequence);
    }
  }

  delete(log: Key): Promise<void> {
    const { ranges } = this.#database;
    return this.#database.transact('strict', ['logs', 'entries'], (logs, entries) => {
      logs.delete(headRange(ranges, log));
      entries.delete(arrayRange(ranges, log));
    });
  }

  /** The last sequence of each writer: one hop from writer to writer, however many rows they have. */
  #ends(log: Key): Promise<Map<string, number>> {
    return this.#database.transact('readonly', ['entries'], async (entries) => {
      const ends = new Map<string, number>();
      const request = entries.openKeyCursor(arrayRange(this.#database.ranges, log), 'prev');
      for (let cursor; (cursor = await promisifyRequest(request)) !== null; cursor.continue([log, (cursor.key as RowKey)[1]])) {
        const [, writer, last] = cursor.key as RowKey;
        ends.set(writer, last);
      }
      return ends;
    });
  }

  /** The next rows of a writer, from the one with the entry `from`. */
  #page(log: Key, writer: string, from: number, end: number): Promise<[RowKey, EntriesRow][]> {
    const { ranges } = this.#database;
    return this.#database.transact('readonly', ['entries'], async (entries) => {
      const keys = (await promisifyRequest(entries.getAllKeys(ranges.bound([log, writer, from], [log, writer, end, []]), pageRows))) as RowKey[];
      let bytes = 0;
      const page = keys.filter((key, i) => (bytes += key[3]) <= pageBytes || i === 0);
      const rows = page.length > 0 ? ((await promisifyRequest(entries.getAll(ranges.bound(page[0], page[page.length - 1])))) as EntriesRow[]) : [];
      return rows.map((row, i) => [page[i]!, row]);
    });
  }

  #commit(jobs: readonly AppendJob[]): Promise<LogPosition[]> {
    const { newVersion } = this.#database.context;
    const { ranges } = this.#database;
    return this.#database.transact(jobs.some((job) => job.flushed) ? 'strict' : 'relaxed', ['logs', 'entries'], async (logs, entries) => {
      const [heads, lasts, earlier] = await Promise.all([
        findAll(jobs.map(({ log }) => log), (log) => logs.getKey(headRange(ranges, log))),
        findAll(jobs.map(sequenceOf), (sequence) => entries.openKeyCursor(arrayRange(ranges, ...sequence.split(',')), 'prev')),
        findAll(jobs.flatMap((job) => nameOf(job) ?? []), (name) => entries.index('names').getKey(name)),
      ]);
      const ends = new Map([...lasts].map(([sequence, cursor]) => [sequence, endOf(cursor?.key)]));
      const named = new Map<string | undefined, number>();
      for (const [name, key] of earlier) if (key !== undefined) named.set(name, endOf(key));
      const grown = new Map<Key, number>();

      const positions = jobs.map((job) => {
        const { log, writer, packs } = job;
        const name = nameOf(job);
        let end = named.get(name) ?? ends.get(sequenceOf(job))!;
        if (!named.has(name)) {
          packs.forEach((pack, i) => {
            end += pack.lengths.length;
            entries.put(name !== undefined && i === packs.length - 1 ? { ...pack, names: name } : pack, [log, writer, end, pack.bytes.length] satisfies RowKey);
            grown.set(log, (grown.get(log) ?? 0) + pack.bytes.length);
          });
          ends.set(sequenceOf(job), end);
          if (name !== undefined && packs.length > 0) named.set(name, end);
        }
        return encodePosition(new Map([[writer, end]]));
      });

      for (const [log, bytes] of grown) {
        const head = heads.get(log);
        if (head !== undefined) logs.delete(head);
        logs.put(0, headOf(log, newVersion(), bytes + (head === undefined ? 0 : parseHead(head).size)));
      }
      return positions;
    });
  }
}

const endOf = (key: IDBValidKey | undefined): number => (key as RowKey | undefined)?.[2] ?? 0;

// No key has a comma.
const sequenceOf = ({ log, writer }: AppendJob): string => `${log},${writer}`;

const nameOf = (job: AppendJob): string | undefined => job.operationId === undefined ? undefined : `${sequenceOf(job)},${job.operationId}`;
