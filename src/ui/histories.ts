import type { Key } from '../core/key.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { NewestEvents } from '../storage/newest-events.ts';

/** Of so many histories it is remembered where their events lie. */
const mostKept = 64;

/** The histories that pages show. The first page of one looks through all of it; what that finds is kept, so that the pages after it read what they show. */
export class Histories {
  readonly #storage: StorageAdapter;
  readonly #kept = new Map<Key, NewestEvents>();

  constructor(storage: StorageAdapter) {
    this.#storage = storage;
  }

  /** The history of the head record at a key. */
  of(key: Key): NewestEvents {
    const history = this.#kept.get(key) ?? new NewestEvents({ storage: this.#storage, key });
    this.#kept.delete(key);
    this.#kept.set(key, history);
    if (this.#kept.size > mostKept) this.#kept.delete(this.#kept.keys().next().value!);
    return history;
  }
}
