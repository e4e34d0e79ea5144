import { demandNotNegative, demandOneOf, demandOptions, demandPositive, demandWhole } from '../arguments.ts';
import { StateReader } from '../state-reader.ts';
import { directions, type ChangeDirection } from './page-hinkley.ts';
import { StreamDetector, isModerateNumber, type DetectorMemory, type DetectorState, type DetectorStatus } from './stream-detector.ts';

/** How sensitive a {@link Cusum} chart is, and to what. */
export interface CusumOptions {
  /** Observations from which the mean and the standard deviation are learnt, after which they stand. @default 30 */
  warmUp?: number | undefined;
  /** What a value may deviate from the mean without counting, in standard deviations. @default 0.5 */
  slack?: number | undefined;
  /** The sum of deviations that is a drift, in standard deviations. @default 5 */
  threshold?: number | undefined;
  /** Which changes count. @default 'both' */
  direction?: ChangeDirection | undefined;
}

/**
 * The cumulative sum chart of Page (1954) for a change of the mean: S⁺ = max(0, S⁺ + x - μ - k) and S⁻ = max(0, S⁻ - (x - μ) - k), with the mean μ and the standard deviation of the
 * first `warmUp` values, and drift when either is above `threshold` standard deviations. Decisions are those of River's CUSUM.
 *
 * Free of units. With the classical settings a stable stream of normal values alarms about every few hundred observations, all the more since 30 values tell the mean only roughly: raise `threshold` or
 * `warmUp` for long streams. After a constant warm-up any other value is a drift. Constant memory and time. NaN, ±Infinity and values beyond ±1e150 are ignored and counted. Throws `ValidationError` for wrong options.
 *
 * @example
 * ```ts
 * import { Cusum } from 'modelkeep/stats';
 *
 * const detector = new Cusum({ warmUp: 100, threshold: 8 });
 * const statuses = Array.from({ length: 400 }, (_, i) => detector.update((i % 5) + (i < 300 ? 0 : 3)));
 * console.log(statuses.indexOf('drift') >= 300);
 * ```
 */
export class Cusum extends StreamDetector {
  constructor(options?: CusumOptions);
  /** @internal */
  constructor(options: CusumOptions, state: StateReader);
  constructor(options: CusumOptions = {}, state?: StateReader) {
    const { warmUp = 30, slack = 0.5, threshold = 5, direction = 'both' } = demandOptions(options);
    demandWhole('warmUp', warmUp, 2);
    demandNotNegative('slack', slack);
    demandPositive('threshold', threshold);
    demandOneOf('direction', direction, directions);
    super('cusum', { warmUp, slack, threshold, direction }, new CusumMemory(warmUp, slack, threshold, direction), state);
  }

  /** Goes on from what `toJSON` gave. Throws `ValidationError` that names the field when it is something else. */
  static fromJSON(state: unknown): Cusum {
    const reader = new StateReader(state, 'cusum');
    const options = reader.part('options');
    const numbers = { warmUp: options.number('warmUp'), slack: options.number('slack'), threshold: options.number('threshold') };
    return new Cusum({ ...numbers, direction: options.word('direction', directions) }, reader);
  }
}

class CusumMemory implements DetectorMemory {
  readonly #warmUp: number;
  readonly #slack: number;
  readonly #threshold: number;
  readonly #direction: ChangeDirection;
  #n = 0;
  #mean = 0;
  #squares = 0;
  #rise = 0;
  #fall = 0;

  constructor(warmUp: number, slack: number, threshold: number, direction: ChangeDirection) {
    this.#warmUp = warmUp;
    this.#slack = slack;
    this.#threshold = threshold;
    this.#direction = direction;
  }

  accepts(value: number): boolean {
    return isModerateNumber(value);
  }

  observe(value: number): DetectorStatus {
    this.#n++;
    if (this.#n <= this.#warmUp) {
      const before = value - this.#mean;
      this.#mean += before / this.#n;
      this.#squares += before * (value - this.#mean);
      if (this.#n < this.#warmUp) return 'stable';
    }
    const sigma = Math.sqrt(this.#squares / (this.#warmUp - 1));
    const deviation = value - this.#mean;
    this.#rise = Math.max(0, this.#rise + deviation - this.#slack * sigma);
    this.#fall = Math.max(0, this.#fall - deviation - this.#slack * sigma);
    const risen = this.#direction !== 'down' && this.#rise > this.#threshold * sigma;
    const fallen = this.#direction !== 'up' && this.#fall > this.#threshold * sigma;
    return risen || fallen ? 'drift' : 'stable';
  }

  clear(): void {
    this.#n = 0;
    this.#mean = 0;
    this.#squares = 0;
    this.#rise = 0;
    this.#fall = 0;
  }

  toJSON(): DetectorState['memory'] {
    return { n: this.#n, mean: this.#mean, squares: this.#squares, rise: this.#rise, fall: this.#fall };
  }

  restore(state: StateReader): void {
    this.#n = state.whole('n');
    this.#mean = state.number('mean');
    this.#squares = state.number('squares', 0);
    this.#rise = state.number('rise', 0);
    this.#fall = state.number('fall', 0);
  }
}
