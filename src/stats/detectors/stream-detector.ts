import type { StateReader } from '../state-reader.ts';

/** What a detector says after an observation: nothing to see, something may be coming, or the stream has changed. */
export type DetectorStatus = 'stable' | 'warning' | 'drift';

/** A {@link StreamDetector} as plain JSON: what `toJSON` gives and `fromJSON` takes. */
export interface DetectorState {
  /** Which detector it is of. */
  readonly kind: string;
  /** Of this form; 1. */
  readonly version: 1;
  /** The options, defaults included. */
  readonly options: Readonly<Record<string, number | string | boolean>>;
  /** What the last update said. */
  readonly status: DetectorStatus;
  /** Values that took part. */
  readonly observations: number;
  /** Drifts so far. */
  readonly detections: number;
  /** Values that were no observation. */
  readonly ignored: number;
  /** What the detector remembers of the stream. */
  readonly memory: Readonly<Record<string, number | null | readonly number[]>>;
}

/** The decision of a detector, apart from what all of them keep. */
export interface DetectorMemory {
  /** Whether a value can be an observation. */
  accepts(value: number): boolean;
  observe(value: number, before: DetectorStatus): DetectorStatus;
  clear(): void;
  toJSON(): DetectorState['memory'];
  restore(state: StateReader): void;
}

/**
 * What all stream detectors have in common. They look at one value at a time and keep a bounded memory; after a drift the next observation begins anew, with an empty memory.
 */
export class StreamDetector {
  readonly #kind: string;
  readonly #options: DetectorState['options'];
  readonly #memory: DetectorMemory;
  #status: DetectorStatus = 'stable';
  #observations = 0;
  #detections = 0;
  #ignored = 0;

  /** @internal */
  protected constructor(kind: string, options: DetectorState['options'], memory: DetectorMemory, state?: StateReader) {
    this.#kind = kind;
    this.#options = options;
    this.#memory = memory;
    if (state === undefined) return;
    this.#status = state.word('status', ['stable', 'warning', 'drift']);
    this.#observations = state.whole('observations');
    this.#detections = state.whole('detections');
    this.#ignored = state.whole('ignored');
    memory.restore(state.part('memory'));
  }

  /** What the last update said. */
  get status(): DetectorStatus {
    return this.#status;
  }

  /** How many values took part, since the detector was made or reset. */
  get observations(): number {
    return this.#observations;
  }

  /** How many drifts there were. */
  get detections(): number {
    return this.#detections;
  }

  /** How many values were no observation: NaN, ±Infinity, or outside of what the detector is for. They change nothing. */
  get ignored(): number {
    return this.#ignored;
  }

  /** Takes the next value of the stream and says how things stand; never throws. */
  update(value: number): DetectorStatus {
    if (!this.#memory.accepts(value)) {
      this.#ignored++;
      return this.#status;
    }
    if (this.#status === 'drift') {
      this.#memory.clear();
      this.#status = 'stable';
    }
    this.#observations++;
    this.#status = this.#memory.observe(value, this.#status);
    if (this.#status === 'drift') this.#detections++;
    return this.#status;
  }

  /** Forgets the stream and all counts; the options stay. */
  reset(): void {
    this.#memory.clear();
    this.#status = 'stable';
    this.#observations = 0;
    this.#detections = 0;
    this.#ignored = 0;
  }

  /** The whole state as plain JSON, from which the detector goes on to the last bit. */
  toJSON(): DetectorState {
    return {
      kind: this.#kind,
      version: 1,
      options: this.#options,
      status: this.#status,
      observations: this.#observations,
      detections: this.#detections,
      ignored: this.#ignored,
      memory: this.#memory.toJSON(),
    };
  }
}

/** Numbers that are there. */
export const isFiniteNumber = (value: number): boolean => Number.isFinite(value);

/** Whether a value is a number whose square, and the sums of many, are far from overflowing. */
export const isModerateNumber = (value: number): boolean => typeof value === 'number' && Math.abs(value) <= 1e150;

/** Errors of a model: 0 for right, 1 for wrong, or a loss in between. */
export const isErrorRate = (value: number): boolean => typeof value === 'number' && value >= 0 && value <= 1;
