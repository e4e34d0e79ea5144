import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { ListEntry, RecordAdapter } from './contract.ts';
import type { SegmentRef } from './segment-layout.ts';
import { listSegments, readSegments } from './segment-reading.ts';

/** Where a writer's sequence ends. */
interface WriterEnd {
  /** The sequence that comes next. */
  readonly first: number;
  /** Bytes of all entries so far. */
  readonly size: number;
}

const rememberedLogs = 1000;

/** What lists say of logs. The last segment of each writer tells how much came before, so only that one is read; and what was seen once is not looked at again. */
export class SegmentSizes {
  readonly #records: RecordAdapter;
  readonly #ends = new Map<string, ReadonlyMap<string, WriterEnd>>();

  constructor(records: RecordAdapter) {
    this.#records = records;
  }

  /** The line of the log whose segments lie under `id`; `undefined` when it has no entries. */
  async entryOf(key: Key, id: string, options: OperationOptions | undefined): Promise<ListEntry | undefined> {
    const ends = new Map(this.#ends.get(id));
    const last = new Map<string, SegmentRef>();
    for await (const ref of listSegments(this.#records, id, ends, options)) last.set(ref.writer, ref);
    for await (const { ref, segment } of readSegments(this.#records, [...last.values()], options)) {
      // It was deleted meanwhile, and all of the log with it.
      if (segment === undefined) return undefined;
      ends.set(ref.writer, { first: ref.first + segment.count, size: segment.header.before + segment.header.size });
    }
    this.#remember(id, ends);
    if (ends.size === 0) return undefined;
    let [count, size] = [0, 0];
    for (const end of ends.values()) {
      count += end.first - 1;
      size += end.size;
    }
    return { key, version: `${id}.${count}`, size };
  }

  #remember(id: string, ends: ReadonlyMap<string, WriterEnd>): void {
    this.#ends.delete(id);
    this.#ends.set(id, ends);
    if (this.#ends.size <= rememberedLogs) return;
    for (const oldest of this.#ends.keys()) {
      this.#ends.delete(oldest);
      return;
    }
  }
}
