import { demandFlag, demandLevel, demandOptions } from '../arguments.ts';
import { StateReader } from '../state-reader.ts';
import { demandHoeffdingLevels } from './hddm-a.ts';
import { StreamDetector, isErrorRate, type DetectorMemory, type DetectorState, type DetectorStatus } from './stream-detector.ts';

/** How sensitive an {@link HddmW} is, and to what. */
export interface HddmWOptions {
  /** Level of significance of a drift. @default 0.001 */
  drift?: number | undefined;
  /** Level of significance of a warning; at least `drift`. @default 0.005 */
  warning?: number | undefined;
  /** Weight of the newest value in the moving averages. @default 0.05 */
  lambda?: number | undefined;
  /** Whether a falling mean counts too. @default false */
  twoSided?: boolean | undefined;
}

/**
 * Drift detection by McDiarmid's bound on exponentially weighted averages, W-test (Frías-Blanco et al. 2014), for values in [0, 1], such as the errors of a model: compares the
 * weighted mean up to the moment when it was lowest (or highest) with the one since. It sees slow changes that {@link HddmA} averages away. Decisions are those of River.
 *
 * Constant memory and time. NaN and values outside of [0, 1] are ignored and counted. Throws `ValidationError` for levels outside of (0, 1) or `warning` below `drift`.
 *
 * @example
 * ```ts
 * import { HddmW } from 'modelkeep/stats';
 *
 * const detector = new HddmW({ twoSided: true });
 * const statuses = Array.from({ length: 2000 }, (_, i) => detector.update(i < 1000 ? (i % 10 === 0 ? 1 : 0) : i % 2));
 * console.log(statuses.indexOf('drift') >= 1000);
 * ```
 */
export class HddmW extends StreamDetector {
  constructor(options?: HddmWOptions);
  /** @internal */
  constructor(options: HddmWOptions, state: StateReader);
  constructor(options: HddmWOptions = {}, state?: StateReader) {
    const { drift = 0.001, warning = 0.005, lambda = 0.05, twoSided = false } = demandOptions(options);
    demandFlag('twoSided', twoSided);
    demandHoeffdingLevels(drift, warning);
    demandLevel('lambda', lambda);
    super('hddm-w', { drift, warning, lambda, twoSided }, new HddmWMemory(drift, warning, lambda, twoSided), state);
  }

  /** Goes on from what `toJSON` gave. Throws `ValidationError` that names the field when it is something else. */
  static fromJSON(state: unknown): HddmW {
    const reader = new StateReader(state, 'hddm-w');
    const options = reader.part('options');
    const levels = { drift: options.number('drift'), warning: options.number('warning') };
    return new HddmW({ ...levels, lambda: options.number('lambda'), twoSided: options.flag('twoSided') }, reader);
  }
}

/** An exponentially weighted mean with the sum of its squared weights, which bounds how far it strays. */
class WeightedMean {
  n = 0;
  mean = 0;
  weights = 1;

  update(value: number, lambda: number): void {
    this.mean = this.n === 0 ? value : lambda * value + (1 - lambda) * this.mean;
    this.weights = lambda * lambda + (1 - lambda) ** 2 * this.weights;
    this.n++;
  }

  copy(other: WeightedMean): void {
    this.n = other.n;
    this.mean = other.mean;
    this.weights = other.weights;
  }

  clear(): void {
    this.n = 0;
    this.mean = 0;
    this.weights = 1;
  }
}

class HddmWMemory implements DetectorMemory {
  readonly #drift: number;
  readonly #warning: number;
  readonly #lambda: number;
  readonly #twoSided: boolean;
  readonly #all = new WeightedMean();
  readonly #untilLowest = new WeightedMean();
  readonly #sinceLowest = new WeightedMean();
  readonly #untilHighest = new WeightedMean();
  readonly #sinceHighest = new WeightedMean();
  #lowest = Infinity;
  #highest = -Infinity;

  constructor(drift: number, warning: number, lambda: number, twoSided: boolean) {
    this.#drift = drift;
    this.#warning = warning;
    this.#lambda = lambda;
    this.#twoSided = twoSided;
  }

  accepts(value: number): boolean {
    return isErrorRate(value);
  }

  observe(value: number): DetectorStatus {
    this.#all.update(value, this.#lambda);
    const reach = bound(this.#all.weights, this.#drift);
    if (this.#all.mean + reach < this.#lowest) {
      this.#lowest = this.#all.mean + reach;
      this.#untilLowest.copy(this.#all);
      this.#sinceLowest.clear();
    } else {
      this.#sinceLowest.update(value, this.#lambda);
    }
    if (this.#all.mean - reach > this.#highest) {
      this.#highest = this.#all.mean - reach;
      this.#untilHighest.copy(this.#all);
      this.#sinceHighest.clear();
    } else {
      this.#sinceHighest.update(value, this.#lambda);
    }
    const changed = (level: number): boolean =>
      above(this.#untilLowest, this.#sinceLowest, level) || (this.#twoSided && above(this.#sinceHighest, this.#untilHighest, level));
    if (changed(this.#drift)) return 'drift';
    return changed(this.#warning) ? 'warning' : 'stable';
  }

  clear(): void {
    for (const mean of this.#means()) mean.clear();
    this.#lowest = Infinity;
    this.#highest = -Infinity;
  }

  toJSON(): DetectorState['memory'] {
    const means = this.#means().flatMap(({ n, mean, weights }) => [n, mean, weights]);
    const begun = this.#all.n > 0;
    return { means, lowest: begun ? this.#lowest : null, highest: begun ? this.#highest : null };
  }

  restore(state: StateReader): void {
    const means = this.#means();
    const stored = state.numbers('means', 3 * means.length, 3 * means.length, 0);
    means.forEach((mean, i) => {
      mean.n = Math.floor(stored[3 * i]!);
      mean.mean = stored[3 * i + 1]!;
      mean.weights = stored[3 * i + 2]!;
    });
    this.#lowest = state.optional('lowest') ?? Infinity;
    this.#highest = state.optional('highest') ?? -Infinity;
  }

  #means(): WeightedMean[] {
    return [this.#all, this.#untilLowest, this.#sinceLowest, this.#untilHighest, this.#sinceHighest];
  }
}

function bound(weights: number, level: number): number {
  return Math.sqrt((weights * Math.log(1 / level)) / 2);
}

/** Whether the second mean is significantly above the first. */
function above(first: WeightedMean, second: WeightedMean, level: number): boolean {
  return first.n > 0 && second.n > 0 && second.mean - first.mean > bound(first.weights + second.weights, level);
}
