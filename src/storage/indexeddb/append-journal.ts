import { promisifyRequest } from 'idb-keyval';
import { newId } from '../../core/ids.ts';
import type { AppendJob, LogCommit } from './append-jobs.ts';
import type { Database } from './database.ts';
import { type PutAsideKey, putAside } from './layout.ts';
import { LeavingPage } from './leaving-page.ts';
import { fromRows, toRows } from './put-aside.ts';

/**
 * What a page that is left writes down of its appends. An append reads before it writes, which takes turns that such a page is not given any more: its transaction is undone. What is put and committed within the turn of the event is kept,
 * and so appends are put aside as they are, beside what is known of the store; whoever reads logs next appends them. Their names make that safe to do twice.
 */
export class AppendJournal {
  readonly #database: Database;
  readonly #commit: LogCommit;
  readonly #page: LeavingPage;
  readonly #instance: string = newId();
  readonly #underWay = new Set<AppendJob>();
  readonly #kept = new Map<AppendJob, PutAsideKey>();
  #count = 0;

  constructor(database: Database, commit: LogCommit) {
    this.#database = database;
    this.#commit = commit;
    this.#page = new LeavingPage(database.context.clock, () => this.#keep([...this.#underWay]));
  }

  /** Does an append, and puts it aside besides when the page is left before it is committed. One without a name could come to be there twice, and is not put aside. */
  async during<T>(job: AppendJob, append: () => Promise<T>): Promise<T> {
    if (job.operationId === undefined) return append();
    this.#page.watch();
    this.#underWay.add(job);
    if (this.#page.isLeaving) this.#keep([job]);
    try {
      const done = await append();
      this.#forget(job);
      return done;
    } finally {
      this.#underWay.delete(job);
      this.#kept.delete(job);
    }
  }

  /** Appends what pages put aside when they were left. What cannot be appended now, in a full store, stays for another time. */
  async recover(): Promise<void> {
    const range = putAside(this.#database.ranges);
    await this.#database
      .transact('strict', ['about', 'logs', 'entries'], async (about, logs, entries) => {
        const jobs = fromRows(await promisifyRequest<Parameters<typeof fromRows>[0][number][]>(about.getAll(range)));
        if (jobs.length === 0) return;
        await this.#commit(jobs, logs, entries);
        about.delete(range);
      })
      .catch(() => undefined);
  }

  stop(): void {
    this.#page.stop();
  }

  #keep(jobs: readonly AppendJob[]): void {
    const fresh = jobs.filter((job) => !this.#kept.has(job));
    if (fresh.length === 0) return;
    const rows = fresh.map((job) => [job, ['append', this.#instance, this.#count++] as PutAsideKey] as const);
    for (const [job, key] of rows) this.#kept.set(job, key);
    this.#database
      .transact('strict', ['about'], (about) => {
        for (const [job, key] of rows) toRows(job).forEach((row, i) => about.put(row, [...key, i]));
      })
      // The append itself is under way and says what is wrong.
      .catch(() => undefined);
  }

  /** The page goes on after all, and the append is done. */
  #forget(job: AppendJob): void {
    const key = this.#kept.get(job);
    if (key === undefined) return;
    this.#database.transact('relaxed', ['about'], (about) => void about.delete(this.#database.ranges.bound(key, [...key, []]))).catch(() => undefined);
  }
}
