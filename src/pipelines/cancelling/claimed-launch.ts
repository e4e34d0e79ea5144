import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { readEachHead } from '../../storage/head-record.ts';
import { listAll } from '../../storage/records.ts';
import type { BookState } from '../launching/launch-book.ts';
import type { Launch } from '../launching/launch.ts';
import type { RunStore } from '../run-store.ts';
import type { TriggerState } from '../triggers/trigger.ts';

// How many schedules or triggers are read at once.
const booksAtOnce = 100;

/** The run of that id which a schedule or trigger of the pipeline has decided upon, and which it has not taken out again. */
export async function claimedLaunch(store: RunStore, run: string, options: OperationOptions): Promise<Omit<Launch, 'claimedAt'> | undefined> {
  for (const kind of ['schedules', 'triggers']) {
    const keys: Key[] = [];
    for await (const { key } of listAll(store.storage, { prefix: `${store.root}/${kind}/` }, options)) keys.push(key);
    for (let at = 0; at < keys.length; at += booksAtOnce) {
      const books = await readEachHead<BookState & Partial<Pick<TriggerState, 'waiting'>>>(store.storage, keys.slice(at, at + booksAtOnce), options);
      for (const book of books) {
        if (book === undefined || 'error' in book) continue;
        const { open, waiting = [] } = book.state;
        const found = [...open, ...waiting.map(({ launch }) => launch)].find((launch) => launch.run === run);
        if (found) return found;
      }
    }
  }
  return undefined;
}
