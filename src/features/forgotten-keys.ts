import { utf8 } from '../core/bytes.ts';
import { digestOf } from '../core/digest.ts';
import { escapeSegment, type Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { readValue } from '../storage/records.ts';
import { update } from '../storage/update.ts';

/** When entities of a view were forgotten, by a digest of their keys: rows that came before must not come back with a batch that is sent again, or was on its way. */
export class ForgottenKeys {
  readonly #storage: StorageAdapter;

  constructor(storage: StorageAdapter) {
    this.#storage = storage;
  }

  /** Notes that entities are forgotten. */
  async add(view: string, keys: readonly string[], at: number, options: OperationOptions): Promise<void> {
    await update<Readonly<Record<string, number>>>(this.#storage, recordKey(view), (present) => ({ ...present, ...Object.fromEntries(keys.map((key) => [nameOf(view, key), at])) }), options);
  }

  /** Which entities were forgotten at `since` or later, and when. */
  async since(view: string, since: number, options: OperationOptions): Promise<(key: string) => number | undefined> {
    const found = (await readValue<Readonly<Record<string, number>>>(this.#storage, recordKey(view), { ...options, fresh: true }))?.value ?? {};
    const recent = new Map(Object.entries(found).filter(([, at]) => at >= since));
    return recent.size === 0 ? nothing : (key) => recent.get(nameOf(view, key));
  }
}

/** What is given when no entity was forgotten. */
export function nothing(): undefined {
  return undefined;
}

function recordKey(view: string): Key {
  return `features/forgotten/${escapeSegment(view)}`;
}

function nameOf(view: string, key: string): string {
  return digestOf(utf8(`${view}/${key}`)).slice('sha256:'.length);
}
