import { demandLevel, demandOptions, demandWhole } from '../arguments.ts';
import { SortedSample } from '../samples/sorted-sample.ts';
import { SeededGenerator } from '../seeded-generator.ts';
import { StateReader } from '../state-reader.ts';
import { ksTest } from '../tests/ks-test.ts';
import { StreamDetector, isFiniteNumber, type DetectorMemory, type DetectorState, type DetectorStatus } from './stream-detector.ts';

/** What a {@link Kswin} compares, and how strictly. */
export interface KswinOptions {
  /** Level of significance of one comparison; there is one per observation, so keep it small. @default 0.005 */
  alpha?: number | undefined;
  /** Values that are kept. @default 100 */
  window?: number | undefined;
  /** How many of the newest are compared with as many of the older ones; at most half of `window`. @default 30 */
  recent?: number | undefined;
  /** Seed of the draws, 0 to 2^32 - 1. @default 1 */
  seed?: number | undefined;
}

/**
 * Kolmogorov–Smirnov windowing (Raab, Heusinger & Schleif 2020): compares the newest `recent` values with as many drawn at random from the older ones of its window, and calls drift when
 * the test has p ≤ alpha and a distance above 0.1. It sees changes of any kind, not of the mean alone.
 *
 * The rule is River's; the draws are our own, seeded, so the moments of its alarms are not River's. Equal values are treated as different, which is conservative. Takes about
 * `recent`² steps per observation. NaN and ±Infinity are ignored and counted. Throws `ValidationError` for wrong options.
 *
 * @example
 * ```ts
 * import { Kswin } from 'modelkeep/stats';
 *
 * const detector = new Kswin({ alpha: 0.0001, seed: 7 });
 * const wave = (i: number): number => Math.sin(i * i) * (i < 500 ? 1 : 5); // the mean stays, the spread grows
 * const statuses = Array.from({ length: 1000 }, (_, i) => detector.update(wave(i)));
 * console.log(statuses.indexOf('drift') >= 500);
 * ```
 */
export class Kswin extends StreamDetector {
  constructor(options?: KswinOptions);
  /** @internal */
  constructor(options: KswinOptions, state: StateReader);
  constructor(options: KswinOptions = {}, state?: StateReader) {
    const { alpha = 0.005, window = 100, recent = 30, seed = 1 } = demandOptions(options);
    demandLevel('alpha', alpha);
    demandWhole('window', window, 2, 1_000_000);
    demandWhole('recent', recent, 1, Math.floor(window / 2));
    super('kswin', { alpha, window, recent, seed }, new KswinMemory(alpha, window, recent, seed), state);
  }

  /** Goes on from what `toJSON` gave. Throws `ValidationError` that names the field when it is something else. */
  static fromJSON(state: unknown): Kswin {
    const reader = new StateReader(state, 'kswin');
    const options = reader.part('options');
    const sizes = { window: options.number('window'), recent: options.number('recent') };
    return new Kswin({ alpha: options.number('alpha'), ...sizes, seed: options.number('seed') }, reader);
  }
}

class KswinMemory implements DetectorMemory {
  readonly #alpha: number;
  readonly #recent: number;
  readonly #seed: number;
  readonly #window: Float64Array;
  #size = 0;
  #generator: SeededGenerator;

  constructor(alpha: number, window: number, recent: number, seed: number) {
    this.#alpha = alpha;
    this.#recent = recent;
    this.#seed = seed;
    this.#window = new Float64Array(window);
    this.#generator = new SeededGenerator(seed);
  }

  accepts(value: number): boolean {
    return isFiniteNumber(value);
  }

  observe(value: number): DetectorStatus {
    const window = this.#window;
    if (this.#size === window.length) window.copyWithin(0, 1);
    else this.#size++;
    window[this.#size - 1] = value;
    if (this.#size < window.length) return 'stable';
    const newest = window.subarray(window.length - this.#recent);
    const { statistic, pValue } = ksTest(SortedSample.of(this.#drawOlder()), SortedSample.of(newest), { ties: 'ignore' });
    return pValue <= this.#alpha && statistic > 0.1 ? 'drift' : 'stable';
  }

  /** As many different ones of the older values as are compared, by the first steps of a Fisher–Yates shuffle. */
  #drawOlder(): Float64Array {
    const older = this.#window.slice(0, this.#window.length - this.#recent);
    for (let i = 0; i < this.#recent; i++) {
      const j = i + this.#generator.below(older.length - i);
      const drawn = older[j]!;
      older[j] = older[i]!;
      older[i] = drawn;
    }
    return older.subarray(0, this.#recent);
  }

  clear(): void {
    this.#size = 0;
    this.#generator = new SeededGenerator(this.#seed);
  }

  toJSON(): DetectorState['memory'] {
    return { values: [...this.#window.subarray(0, this.#size)], generator: this.#generator.state };
  }

  restore(state: StateReader): void {
    const values = state.numbers('values', 0, this.#window.length);
    this.#window.set(values);
    this.#size = values.length;
    this.#generator = new SeededGenerator(state.generator());
  }
}
