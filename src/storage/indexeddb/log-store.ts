import { promisifyRequest } from 'idb-keyval';
import { throwIfAborted } from '../../core/abort.ts';
import type { Undo } from '../../core/clock.ts';
import { IntegrityError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { ListPage, LogEntry, LogPosition, LogQuery } from '../contract.ts';
import type { CheckedListQuery } from '../list-page.ts';
import { advancePosition, decodePosition, encodePosition } from '../log-position.ts';
import { appendJobs, type AppendJob, type RowKey } from './append-jobs.ts';
import type { AppendJournal } from './append-journal.ts';
import type { Database } from './database.ts';
import { groupCommit } from './group-commit.ts';
import { arrayRange, headRange, listHeads, putAside } from './layout.ts';
import { type PackedEntries, unpackEntries } from './packed-entries.ts';

interface EntriesRow extends PackedEntries {
  /** Log, writer and name of the append, on its last row. */
  readonly names?: string;
}

interface AppendCall extends AppendJob {
  readonly signal: AbortSignal | undefined;
  readonly flushed: boolean;
}

/** What a reader holds in memory at most, but for one row that is larger. */
const pageBytes = 4 << 20;
const pageRows = 512;
const longestWaitMs = 2_000;

/** The logs of a database. */
export class LogStore {
  readonly #database: Database;
  #journal: AppendJournal | undefined;
  #hasWaited = false;
  readonly #append: (job: AppendCall) => Promise<LogPosition> = groupCommit((jobs) => this.#commit(jobs));

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Loads what keeps the appends of a page that is left, which must be there by then. The first call waits for it, for a moment: a page may have lost its site, and must be able to write all the same; its appends
   * are lost with it then, and only then.
   */
  async prepare(): Promise<void> {
    if (this.#journal !== undefined) return;
    const loaded = this.#loaded().then(
      () => undefined,
      () => undefined,
    );
    if (this.#hasWaited) return;
    this.#hasWaited = true;
    const { clock } = this.#database.context;
    let undo: Undo | undefined;
    await Promise.race([loaded, new Promise<void>((resolve) => (undo = clock.setTimer(resolve, longestWaitMs)))]);
    undo?.();
  }

  append(job: AppendCall): Promise<LogPosition> {
    const append = (): Promise<LogPosition> => this.#append(job);
    return this.#journal?.during(job, append) ?? append();
  }

  list(query: CheckedListQuery): Promise<ListPage> {
    return this.#read('logs', (logs) => listHeads(logs, this.#database.ranges, query));
  }

  /** Ends listening for the end of the page. */
  stop(): void {
    this.#journal?.stop();
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

  async delete(log: Key): Promise<void> {
    const { ranges } = this.#database;
    // What was put aside for it would be appended to a log that is gone.
    await this.#read('logs', () => undefined);
    return this.#database.transact('strict', ['logs', 'entries'], (logs, entries) => {
      logs.delete(headRange(ranges, log));
      entries.delete(arrayRange(ranges, log));
    });
  }

  /** The last sequence of each writer: one hop from writer to writer, however many rows they have. */
  #ends(log: Key): Promise<Map<string, number>> {
    return this.#read('entries', async (entries) => {
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

  /** A look at logs, with what pages put aside when they were left. */
  async #read<T>(name: 'logs' | 'entries', body: (store: IDBObjectStore) => T | Promise<T>): Promise<T> {
    const look = (): Promise<[first: IDBValidKey | undefined, found: T]> =>
      this.#database.transact('readonly', ['about', name], (about, store) => Promise.all([promisifyRequest(about.getKey(putAside(this.#database.ranges))), body(store)]));
    const [first, found] = await look();
    if (first === undefined) return found;
    await (await this.#loaded()).recover();
    return (await look())[1];
  }

  async #loaded(): Promise<AppendJournal> {
    const { AppendJournal } = await import('./append-journal.ts');
    return (this.#journal ??= new AppendJournal(this.#database, (jobs, logs, entries) => this.#appendIn(jobs, logs, entries)));
  }

  #commit(jobs: readonly AppendCall[]): Promise<LogPosition[]> {
    return this.#database.transact(jobs.some((job) => job.flushed) ? 'strict' : 'relaxed', ['logs', 'entries'], (logs, entries) => this.#appendIn(jobs, logs, entries));
  }

  #appendIn(jobs: readonly AppendJob[], logs: IDBObjectStore, entries: IDBObjectStore): Promise<LogPosition[]> {
    return appendJobs(jobs, logs, entries, this.#database.ranges, this.#database.context.newVersion);
  }
}
