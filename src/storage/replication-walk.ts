import type { Key } from '../core/key.ts';
import type { ListEntry } from './contract.ts';
import { isWithin, printOfList } from './replication-shard.ts';
import type { ReplicationState } from './replication-state.ts';

/** A stretch of keys that may need something: what the source lists there, and what is known there. */
export interface Window<T> {
  readonly listed: readonly ListEntry[];
  readonly states: ReadonlyMap<Key, T>;
  /** A key of the source before all these, if there is one. */
  readonly before: Key | undefined;
  /** Whether another link moved the ends of the shard meanwhile, so that some keys may have been left out. */
  readonly shifted: boolean;
}

const windowKeys = 1024;

/**
 * Walks a list and what is known of it side by side. Where a shard's keys and versions are the listed ones, which its print tells, it is not even read; the others are
 * given in windows, so that memory is bounded however many keys there are.
 *
 * @param concerns - Whether a key is one that the list would have: what is known of others is left alone.
 */
export async function* changedWindows<T>(state: ReplicationState<T>, list: AsyncIterable<ListEntry>, concerns: (key: Key) => boolean): AsyncGenerator<Window<T>> {
  const iterator = list[Symbol.asyncIterator]();
  let next = await iterator.next();
  let before: Key | undefined;
  try {
    for (let bound: string | undefined = ''; bound !== undefined; ) {
      const { upper, print } = await state.outline(bound);
      const range = { bound, upper };
      const take = async (): Promise<ListEntry[]> => {
        const listed: ListEntry[] = [];
        for (; !next.done && listed.length < windowKeys * 2 && isWithin(next.value.key, range); next = await iterator.next()) listed.push(next.value);
        return listed;
      };
      let listed = await take();
      const isWhole = (): boolean => next.done === true || !isWithin(next.value.key, range);
      if (!isWhole() || print !== printOfList(listed)) {
        // Those that the windows before this one put into the shard, or into one split from it, are not among these.
        const { entries, upper: presentUpper } = await state.shard(bound);
        for (let low: string = bound; ; listed = await take()) {
          const high = isWhole() ? undefined : listed[listed.length - 1]!.key;
          const states = new Map([...entries].filter(([key]) => key >= low && (high === undefined || key <= high) && concerns(key)));
          yield { listed, states, before, shifted: presentUpper !== upper && low === bound };
          before = listed.at(-1)?.key ?? before;
          if (high === undefined) break;
          // The least text above a key.
          low = `${high}\0`;
        }
      } else before = listed.at(-1)?.key ?? before;
      bound = upper;
    }
  } finally {
    await iterator.return?.();
  }
}
