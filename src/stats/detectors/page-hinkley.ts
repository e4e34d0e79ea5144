import { demandNotNegative, demandOneOf, demandOptions, demandPositive, demandShare, demandWhole } from '../arguments.ts';
import { StateReader } from '../state-reader.ts';
import { StreamDetector, isModerateNumber, type DetectorMemory, type DetectorState, type DetectorStatus } from './stream-detector.ts';

/** Which changes of a mean a chart looks for. */
export type ChangeDirection = 'up' | 'down' | 'both';

/** How sensitive a {@link PageHinkley} test is, and to what. */
export interface PageHinkleyOptions {
  /** Observations before it says anything. @default 30 */
  warmUp?: number | undefined;
  /** What a value may deviate from the mean without counting, in the units of the stream. @default 0.005 */
  delta?: number | undefined;
  /** The sum of deviations that is a drift, in the units of the stream. @default 50 */
  threshold?: number | undefined;
  /** The share of the sum that is kept from one observation to the next, above 0 and at most 1. @default 0.9999 */
  alpha?: number | undefined;
  /** Which changes count. @default 'both' */
  direction?: ChangeDirection | undefined;
}

/**
 * The test of Page (1954) and Hinkley (1971) for a change of the mean: sums up how far the values are from the running mean, fading, and calls drift when a sum is further than
 * `threshold` from its lowest (for a rise) or highest (for a fall). Decisions are those of River.
 *
 * Its thresholds are in the units of the stream: scale the stream or set them. Constant memory and time. NaN, ±Infinity and values beyond ±1e150 are ignored and counted. Throws
 * `ValidationError` for options that are not positive, `alpha` above 1 and an unknown direction.
 *
 * @example
 * ```ts
 * import { PageHinkley } from 'modelkeep/stats';
 *
 * const detector = new PageHinkley({ threshold: 20 });
 * const statuses = Array.from({ length: 600 }, (_, i) => detector.update((i % 2) + (i < 300 ? 0 : 2)));
 * console.log(statuses.indexOf('drift') >= 300);
 * ```
 */
export class PageHinkley extends StreamDetector {
  constructor(options?: PageHinkleyOptions);
  /** @internal */
  constructor(options: PageHinkleyOptions, state: StateReader);
  constructor(options: PageHinkleyOptions = {}, state?: StateReader) {
    const { warmUp = 30, delta = 0.005, threshold = 50, alpha = 0.9999, direction = 'both' } = demandOptions(options);
    demandWhole('warmUp', warmUp, 1);
    demandNotNegative('delta', delta);
    demandPositive('threshold', threshold);
    demandShare('alpha', alpha);
    demandOneOf('direction', direction, directions);
    super('page-hinkley', { warmUp, delta, threshold, alpha, direction }, new PageHinkleyMemory(warmUp, delta, threshold, alpha, direction), state);
  }

  /** Goes on from what `toJSON` gave. Throws `ValidationError` that names the field when it is something else. */
  static fromJSON(state: unknown): PageHinkley {
    const reader = new StateReader(state, 'page-hinkley');
    const options = reader.part('options');
    const numbers = { warmUp: options.number('warmUp'), delta: options.number('delta'), threshold: options.number('threshold'), alpha: options.number('alpha') };
    return new PageHinkley({ ...numbers, direction: options.word('direction', directions) }, reader);
  }
}

/** The directions that a chart may look in. */
export const directions: readonly ChangeDirection[] = ['up', 'down', 'both'];

class PageHinkleyMemory implements DetectorMemory {
  readonly #warmUp: number;
  readonly #delta: number;
  readonly #threshold: number;
  readonly #alpha: number;
  readonly #direction: ChangeDirection;
  #n = 0;
  #mean = 0;
  #rise = 0;
  #fall = 0;
  #lowestRise = Infinity;
  #highestFall = -1;

  constructor(warmUp: number, delta: number, threshold: number, alpha: number, direction: ChangeDirection) {
    this.#warmUp = warmUp;
    this.#delta = delta;
    this.#threshold = threshold;
    this.#alpha = alpha;
    this.#direction = direction;
  }

  accepts(value: number): boolean {
    return isModerateNumber(value);
  }

  observe(value: number): DetectorStatus {
    this.#n++;
    this.#mean += (value - this.#mean) / this.#n;
    const deviation = value - this.#mean;
    this.#rise = this.#alpha * this.#rise + deviation - this.#delta;
    this.#fall = this.#alpha * this.#fall + deviation + this.#delta;
    if (this.#rise < this.#lowestRise) this.#lowestRise = this.#rise;
    if (this.#fall > this.#highestFall) this.#highestFall = this.#fall;
    if (this.#n < this.#warmUp) return 'stable';
    const risen = this.#direction !== 'down' && this.#rise - this.#lowestRise > this.#threshold;
    const fallen = this.#direction !== 'up' && this.#highestFall - this.#fall > this.#threshold;
    return risen || fallen ? 'drift' : 'stable';
  }

  clear(): void {
    this.#n = 0;
    this.#mean = 0;
    this.#rise = 0;
    this.#fall = 0;
    this.#lowestRise = Infinity;
    this.#highestFall = -1;
  }

  toJSON(): DetectorState['memory'] {
    const lowestRise = this.#lowestRise === Infinity ? null : this.#lowestRise;
    return { n: this.#n, mean: this.#mean, rise: this.#rise, fall: this.#fall, lowestRise, highestFall: this.#highestFall };
  }

  restore(state: StateReader): void {
    this.#n = state.whole('n');
    this.#mean = state.number('mean');
    this.#rise = state.number('rise');
    this.#fall = state.number('fall');
    this.#lowestRise = state.optional('lowestRise') ?? Infinity;
    this.#highestFall = state.number('highestFall');
  }
}
