import { ValidationError } from '../../core/errors.ts';
import { demandFlag, demandLevel, demandOptions } from '../arguments.ts';
import { StateReader } from '../state-reader.ts';
import { StreamDetector, isErrorRate, type DetectorMemory, type DetectorState, type DetectorStatus } from './stream-detector.ts';

/** How sensitive an {@link HddmA} is, and to what. */
export interface HddmAOptions {
  /** Level of significance of a drift. @default 0.001 */
  drift?: number | undefined;
  /** Level of significance of a warning; at least `drift`. @default 0.005 */
  warning?: number | undefined;
  /** Whether a falling mean counts too. @default false */
  twoSided?: boolean | undefined;
}

/**
 * Drift detection by Hoeffding's bound on averages, A-test (Frías-Blanco et al. 2014), for values in [0, 1], such as the errors of a model: compares the mean so far with the mean at the
 * moment when it was, for sure, lowest (or highest, when two-sided). No assumption on the distribution. Decisions are those of River.
 *
 * Best for sudden changes. Constant memory and time. NaN and values outside of [0, 1] are ignored and counted. Throws `ValidationError` for levels outside of (0, 1) or `warning` below `drift`.
 *
 * @example
 * ```ts
 * import { HddmA } from 'modelkeep/stats';
 *
 * const detector = new HddmA();
 * const statuses = Array.from({ length: 2000 }, (_, i) => detector.update(i < 1000 ? (i % 10 === 0 ? 1 : 0) : i % 2));
 * console.log(statuses.indexOf('drift') >= 1000);
 * ```
 */
export class HddmA extends StreamDetector {
  constructor(options?: HddmAOptions);
  /** @internal */
  constructor(options: HddmAOptions, state: StateReader);
  constructor(options: HddmAOptions = {}, state?: StateReader) {
    const { drift = 0.001, warning = 0.005, twoSided = false } = demandOptions(options);
    demandFlag('twoSided', twoSided);
    demandHoeffdingLevels(drift, warning);
    super('hddm-a', { drift, warning, twoSided }, new HddmAMemory(drift, warning, twoSided), state);
  }

  /** Goes on from what `toJSON` gave. Throws `ValidationError` that names the field when it is something else. */
  static fromJSON(state: unknown): HddmA {
    const reader = new StateReader(state, 'hddm-a');
    const options = reader.part('options');
    return new HddmA({ drift: options.number('drift'), warning: options.number('warning'), twoSided: options.flag('twoSided') }, reader);
  }
}

/** Throws `ValidationError` unless both are levels of significance and a warning comes no later than a drift. */
export function demandHoeffdingLevels(drift: number, warning: number): void {
  demandLevel('drift', drift);
  demandLevel('warning', warning);
  if (warning < drift) throw new ValidationError(`warning is ${warning} and drift is ${drift}; a warning comes first, so its level is at least that of a drift.`, { path: 'warning' });
}

class HddmAMemory implements DetectorMemory {
  readonly #drift: number;
  readonly #warning: number;
  readonly #twoSided: boolean;
  #n = 0;
  #mean = 0;
  #lowestN = 0;
  #lowestMean = 0;
  #highestN = 0;
  #highestMean = 0;

  constructor(drift: number, warning: number, twoSided: boolean) {
    this.#drift = drift;
    this.#warning = warning;
    this.#twoSided = twoSided;
  }

  accepts(value: number): boolean {
    return isErrorRate(value);
  }

  observe(value: number): DetectorStatus {
    this.#n++;
    this.#mean += (value - this.#mean) / this.#n;
    const reach = this.#reach(this.#n);
    if (this.#lowestN === 0 || this.#lowestMean + this.#reach(this.#lowestN) >= this.#mean + reach) {
      this.#lowestN = this.#n;
      this.#lowestMean = this.#mean;
    }
    if (this.#highestN === 0 || this.#highestMean - this.#reach(this.#highestN) <= this.#mean - reach) {
      this.#highestN = this.#n;
      this.#highestMean = this.#mean;
    }
    const rise = this.#mean - this.#lowestMean;
    const fall = this.#twoSided ? this.#highestMean - this.#mean : -1;
    const changed = (level: number): boolean => this.#significant(rise, this.#lowestN, level) || this.#significant(fall, this.#highestN, level);
    if (changed(this.#drift)) return 'drift';
    return changed(this.#warning) ? 'warning' : 'stable';
  }

  #reach(n: number): number {
    return Math.sqrt((1 / (2 * n)) * Math.log(1 / this.#drift));
  }

  #significant(difference: number, n: number, level: number): boolean {
    if (n === this.#n || difference < 0) return false;
    const m = ((this.#n - n) / n) * (1 / this.#n);
    return difference >= Math.sqrt((m / 2) * Math.log(2 / level));
  }

  clear(): void {
    this.#n = 0;
    this.#mean = 0;
    this.#lowestN = 0;
    this.#highestN = 0;
  }

  toJSON(): DetectorState['memory'] {
    return { n: this.#n, mean: this.#mean, lowestN: this.#lowestN, lowestMean: this.#lowestMean, highestN: this.#highestN, highestMean: this.#highestMean };
  }

  restore(state: StateReader): void {
    this.#n = state.whole('n');
    this.#mean = state.number('mean', 0, 1);
    this.#lowestN = state.whole('lowestN', 0, this.#n);
    this.#lowestMean = state.number('lowestMean', 0, 1);
    this.#highestN = state.whole('highestN', 0, this.#n);
    this.#highestMean = state.number('highestMean', 0, 1);
  }
}
