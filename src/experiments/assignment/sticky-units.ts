import { untilAborted } from '../../core/abort.ts';
import { encode } from '../../core/codec.ts';
import { newId } from '../../core/ids.ts';
import { escapeSegment, type Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { readValue } from '../../storage/records.ts';

/**
 * The first assignments of units, as they were stored: a small record for each unit. Records of many units would be read and written whole for each new one, and processes would wait for each other; so a unit costs one write, which
 * only the first of several processes does, and one read per process while it is remembered.
 */
export class StickyUnits {
  readonly #storage: StorageAdapter;
  readonly #prefix: Key;
  readonly #remembered: number;
  /** The oldest first. */
  readonly #known = new Map<string, string>();
  readonly #underWay = new Map<string, Promise<string | undefined>>();

  constructor(storage: StorageAdapter, test: Key, remembered: number) {
    this.#storage = storage;
    this.#prefix = `${test}/units`;
    this.#remembered = remembered;
  }

  /** The variant that a unit has for good: what is stored, or else what `choose` gives, which is stored then. `undefined` where neither gives one. */
  async variantOf(unit: string, choose: () => string | undefined, options: OperationOptions): Promise<string | undefined> {
    const known = this.#known.get(unit);
    if (known !== undefined) return known;
    let work = this.#underWay.get(unit);
    if (work === undefined) {
      work = this.#settle(unit, choose).finally(() => this.#underWay.delete(unit));
      this.#underWay.set(unit, work);
    }
    return untilAborted(work, options.signal, 'Assigning a unit for good');
  }

  async #settle(unit: string, choose: () => string | undefined): Promise<string | undefined> {
    const key = `${this.#prefix}/${escapeSegment(unit)}`;
    const stored = await this.#read(key);
    if (stored !== undefined) return this.#remember(unit, stored);
    const chosen = choose();
    if (chosen === undefined) return undefined;
    const [result] = await this.#storage.write([{ kind: 'put', key, bytes: encode([chosen], key), condition: 'absent', operationId: newId() }]);
    // Refused is who came second: what the first one has written counts.
    return this.#remember(unit, result!.ok ? chosen : ((await this.#read(key)) ?? chosen));
  }

  async #read(key: Key): Promise<string | undefined> {
    return (await readValue<readonly [string]>(this.#storage, key, { fresh: true }))?.value[0];
  }

  #remember(unit: string, variant: string): string {
    this.#known.set(unit, variant);
    if (this.#known.size > this.#remembered) this.#known.delete(this.#known.keys().next().value!);
    return variant;
  }
}
