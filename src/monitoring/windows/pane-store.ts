import { decode, encode } from '../../core/codec.ts';
import { IntegrityError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { WriteOperation } from '../../storage/contract.ts';
import type { HeadLocation } from '../../storage/head-record.ts';
import { listAll } from '../../storage/records.ts';
import type { WindowCounts } from './monitor-window.ts';
import type { ClosedPane, PaneList, StoredPane } from './panes.ts';

// So many panes come by one read.
const panesPerRead = 16;

/**
 * Closed panes, each a record of its own that is written once, in front of the state that first names it: the state is small, however many panes a window has. A record whose number the state has reached and which it does
 * not name will never be named: a pane is numbered by the state that it was closed on, and that state is no more. So what died before its state was written, what was written in vain, and what no window needs any more are
 * found by one rule.
 */
export class PaneStore {
  readonly #at: HeadLocation;
  /** Those that were read or written, by their ids: at most as many as a state names. */
  readonly #read = new Map<string, WindowCounts>();

  constructor(at: HeadLocation) {
    this.#at = at;
  }

  /** The counts of a pane, packed; `undefined` while they are not read. */
  counts(pane: StoredPane): WindowCounts | undefined {
    return this.#read.get(pane.id);
  }

  /** What writes closed panes. */
  writes(panes: readonly ClosedPane[]): WriteOperation[] {
    return panes.map(({ pane, counts }) => {
      const key = this.#keyOf(pane);
      return { kind: 'put', key, bytes: encode(counts, key) };
    });
  }

  /**
   * Reads the panes of a state; gives the ids of those that are not there, which is no harm when the state has been replaced meanwhile. Throws `IntegrityError` when one is not there that was `gone` before this state was read.
   */
  async read(panes: readonly StoredPane[], gone: ReadonlySet<string>, { signal }: OperationOptions): Promise<ReadonlySet<string>> {
    const unread = panes.filter(({ id }) => !this.#read.has(id));
    for (let i = 0; i < unread.length; i += panesPerRead) {
      const part = unread.slice(i, i + panesPerRead);
      const records = await this.#at.storage.read(part.map((pane) => this.#keyOf(pane)), { signal, fresh: true });
      records.forEach((record, j) => record && this.#read.set(part[j]!.id, decode(record.bytes, this.#keyOf(part[j]!)) as WindowCounts));
    }
    const missing = unread.filter(({ id }) => !this.#read.has(id));
    const lost = missing.find(({ id }) => gone.has(id));
    if (lost === undefined) return new Set(missing.map(({ id }) => id));
    const key = this.#keyOf(lost);
    throw new IntegrityError(`A part of the window of ${this.#at.key} is gone from the storage; restore ${key} from a copy, or go on under another name.`, { key });
  }

  /** Takes over the panes that a state names, some of which were just written; what others deleted or replaced is forgotten. */
  keep(list: PaneList | undefined, written: readonly ClosedPane[]): void {
    for (const { pane, counts } of written) if (counts !== undefined) this.#read.set(pane.id, counts);
    const named = new Set(list?.kept.map(({ id }) => id));
    for (const id of this.#read.keys()) if (!named.has(id)) this.#read.delete(id);
  }

  /** Deletes the records that no state will name. */
  async tidy({ count, kept }: PaneList, { signal }: OperationOptions): Promise<void> {
    const named = new Set(kept.map((pane) => this.#keyOf(pane)));
    const deletes: WriteOperation[] = [];
    for await (const { key } of listAll(this.#at.storage, { prefix: this.#prefix }, { signal })) {
      if (Number(key.slice(this.#prefix.length).split('-')[0]) > count) break;
      if (!named.has(key)) deletes.push({ kind: 'delete', key });
    }
    if (deletes.length > 0) await this.#at.storage.write(deletes, { signal });
  }

  get #prefix(): string {
    return `${this.#at.key}/panes/`;
  }

  #keyOf({ number, id }: StoredPane): Key {
    return `${this.#prefix}${String(number).padStart(16, '0')}-${id}`;
  }
}
