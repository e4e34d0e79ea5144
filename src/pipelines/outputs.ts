import type { StorageAdapter } from '../storage/contract.ts';
import { unpackOutput } from './output-codec.ts';
import type { StepResult } from './step-result.ts';
import type { StepDefinition } from './step.ts';
import { fetchOutput, type StoredOutput } from './stored-output.ts';

/** The outputs of the steps of a run that have succeeded, packed: whoever asks gets a copy of what was stored, never the object of another step. */
export class Outputs {
  readonly #storage: StorageAdapter;
  readonly #stored = new Map<string, StoredOutput>();
  readonly #reading = new Map<string, Promise<Uint8Array>>();
  readonly #loaded = new Map<string, Uint8Array>();

  constructor(storage: StorageAdapter) {
    this.#storage = storage;
  }

  /** Takes the output of a step as it is stored, with its bytes when they are at hand. */
  keep(step: string, stored: StoredOutput | undefined, bytes?: Uint8Array): void {
    if (stored === undefined) return;
    this.#stored.set(step, stored);
    if (bytes) this.#loaded.set(step, bytes);
  }

  /** The output of a step as it is stored; `undefined` for nothing. */
  stored(step: string): StoredOutput | undefined {
    return this.#stored.get(step);
  }

  /** Copies of what a step needs, from those that have succeeded by `states`: what came after these were looked at is not given. */
  async inputsOf(step: StepDefinition, states: Readonly<Record<string, StepResult>>): Promise<Record<string, unknown>> {
    const inputs: Record<string, unknown> = {};
    for (const [input, source] of Object.entries(step.needs)) {
      const given = states[source]?.status === 'succeeded';
      if (given) await this.#load(source);
      Object.defineProperty(inputs, input, { value: given ? this.copy(source) : undefined, enumerable: true, writable: true, configurable: true });
    }
    return inputs;
  }

  /** Names of the inputs of a step for which {@link inputsOf} has no output. */
  missingInputs({ needs }: Pick<StepDefinition, 'needs'>, states: Readonly<Record<string, StepResult>>): string[] {
    return Object.keys(needs).filter((input) => states[needs[input]!]?.status !== 'succeeded' || !this.#stored.has(needs[input]!));
  }

  /** Brings every output into memory, so that {@link copy} has it. */
  async loadAll(): Promise<void> {
    for (const step of this.#stored.keys()) await this.#load(step);
  }

  /** A copy of a loaded output; `undefined` when the step returned nothing. */
  copy(step: string): unknown {
    const bytes = this.#loaded.get(step);
    return bytes && unpackOutput(bytes, `step ${step}`);
  }

  /** Steps that ask at the same time share one read. */
  async #load(step: string): Promise<void> {
    const stored = this.#stored.get(step);
    if (stored === undefined || this.#loaded.has(step)) return;
    const reading = this.#reading.get(step) ?? fetchOutput(this.#storage, stored, step);
    this.#reading.set(step, reading);
    try {
      this.#loaded.set(step, await reading);
    } finally {
      this.#reading.delete(step);
    }
  }
}
