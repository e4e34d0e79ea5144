import type { StorageAdapter } from '../storage/contract.ts';
import { unpackOutput } from './output-codec.ts';
import { hasOutput, type StepResult } from './step-result.ts';
import type { StepDefinition } from './step.ts';
import { fetchOutput, isStreamed, storedItems, type StoredItems, type StoredOutput, type StoredValue } from './stored-output.ts';
import { openStream } from './streamed-output.ts';
import { unitKey, unitText, type UnitName } from './units.ts';

// As many blobs are read at once.
const readAtOnce = 16;

/** The outputs of the steps of a run that have succeeded, packed: whoever asks gets a copy of what was stored, never the object of another step. */
export class Outputs {
  readonly #storage: StorageAdapter;
  /** Of steps and items, by {@link unitKey}. */
  readonly #stored = new Map<string, StoredOutput>();
  readonly #reading = new Map<string, Promise<Uint8Array>>();
  readonly #loaded = new Map<string, Uint8Array>();

  constructor(storage: StorageAdapter) {
    this.#storage = storage;
  }

  /** Takes the output of a step, or of an item of one, as it is stored, with its bytes when they are at hand. */
  keep(unit: UnitName, stored: StoredOutput | undefined, bytes?: Uint8Array): void {
    if (stored === undefined) return;
    this.#stored.set(unitKey(unit), stored);
    if (bytes) this.#loaded.set(unitKey(unit), bytes);
  }

  /** The output of a step as it is stored; `undefined` for nothing. */
  stored(step: string): StoredOutput | undefined {
    return this.#stored.get(unitKey({ step }));
  }

  /** What the items of a step make together, where `latest` has those that are not kept yet. */
  assembled(step: string, count: number, latest: (index: number) => StoredOutput | undefined): StoredItems {
    return storedItems(Array.from({ length: count }, (_, index) => latest(index) ?? this.#stored.get(unitKey({ step, index }))));
  }

  /**
   * Copies of what a step needs, from those that have something to give by `states`: what came after these were looked at is not given.
   *
   * @param lazily - Whether a copy is made only when it is looked at.
   */
  async inputsOf(step: Pick<StepDefinition, 'needs'>, states: Readonly<Record<string, StepResult>>, lazily = false): Promise<Record<string, unknown>> {
    const inputs: Record<string, unknown> = {};
    for (const [input, source] of Object.entries(step.needs)) {
      const given = hasOutput(states[source]);
      if (given) await this.#load(source);
      const set = (value: unknown): unknown => Object.defineProperty(inputs, input, { value, enumerable: true, writable: true, configurable: true });
      if (!given || !lazily) set(given ? this.copy(source) : undefined);
      else {
        const get = (): unknown => {
          const value = this.copy(source);
          set(value);
          return value;
        };
        Object.defineProperty(inputs, input, { get, set, enumerable: true, configurable: true });
      }
    }
    return inputs;
  }

  /** Names of the inputs of a step for which {@link inputsOf} has no output. */
  missingInputs({ needs }: Pick<StepDefinition, 'needs'>, states: Readonly<Record<string, StepResult>>): string[] {
    return Object.keys(needs).filter((input) => !hasOutput(states[needs[input]!]) || this.stored(needs[input]!) === undefined);
  }

  /** Brings every output into memory, so that {@link copy} has it. */
  async loadAll(): Promise<void> {
    for (const [key, stored] of this.#stored) if (!('items' in stored)) await this.#loadBytes(key, stored);
  }

  /** A copy of a loaded output; `undefined` when the step returned nothing. */
  copy(step: string): unknown {
    const stored = this.stored(step);
    if (stored && 'items' in stored) return Array.from({ length: stored.items }, (_, index) => this.#copyOf({ step, index }));
    return this.#copyOf({ step });
  }

  #copyOf(unit: UnitName): unknown {
    const key = unitKey(unit);
    const name = unitText(unit);
    const stored = this.#stored.get(key);
    if (isStreamed(stored)) return openStream(this.#storage, stored, name);
    const bytes = this.#loaded.get(key);
    return bytes && unpackOutput(bytes, name);
  }

  async #load(step: string): Promise<void> {
    const stored = this.stored(step);
    if (stored === undefined) return;
    if (!('items' in stored)) return this.#loadBytes(unitKey({ step }), stored);
    const missing = Array.from({ length: stored.items }, (_, index) => unitKey({ step, index })).filter((key) => this.#stored.has(key) && !this.#loaded.has(key));
    for (let at = 0; at < missing.length; at += readAtOnce) {
      await Promise.all(missing.slice(at, at + readAtOnce).map((key) => this.#loadBytes(key, this.#stored.get(key) as StoredValue)));
    }
  }

  /** Those who ask at the same time share one read. A stream is read by whoever is given it. */
  async #loadBytes(key: string, stored: StoredValue): Promise<void> {
    if (stored.streamed || this.#loaded.has(key)) return;
    const reading = this.#reading.get(key) ?? fetchOutput(this.#storage, stored, key.slice(key.indexOf(':') + 1));
    this.#reading.set(key, reading);
    try {
      this.#loaded.set(key, await reading);
    } finally {
      this.#reading.delete(key);
    }
  }
}
