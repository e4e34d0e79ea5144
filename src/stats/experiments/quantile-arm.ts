import { demandLevel, demandList, demandOptions, demandSameLength, demandWhole } from '../arguments.ts';
import { selectValue } from '../samples/select-value.ts';
import type { QuantileArm } from './arm-summary.ts';

/** What {@link quantileArm} knows of the values. */
export interface QuantileArmOptions {
  /** Of each value, the unit that it is of, as a whole number from 0 up: values of one unit depend on each other. @default every value is a unit of its own */
  units?: ArrayLike<number> | undefined;
}

/**
 * Sums up an arm whose measure is a quantile of its values, for `compareArms`: the quantile, and the order statistics at the ends of its 95 % interval (normal approximation of the share below it).
 *
 * With `units` the interval takes in that values of one unit depend on each other: the share of values below the quantile is a ratio of two sums over units, and its variance is by the delta method (Deng, Knoblich and Lu 2018). `n` is then the number of
 * independent values that would tell as much, at most the number of values. It wants some dozens of units. NaN is left out; infinite values take part. Of no values `n` is 0, and nothing can be compared. Costs O(n).
 *
 * @throws ValidationError for a probability outside (0, 1), lists of different lengths, and units that are not whole numbers from 0 up.
 *
 * @example
 * ```ts
 * import { compareArms, quantileArm } from 'modelkeep/stats';
 *
 * const latencies = (slower: number) => Float64Array.from({ length: 10_000 }, (_, i) => ((i * 7919) % 10_007) + slower);
 * const { effect, low, high } = compareArms(quantileArm(latencies(0), 0.9), quantileArm(latencies(900), 0.9));
 * console.log(effect.toFixed(2), low > 0.05, high < 0.15); // 0.10 true true
 * ```
 */
export function quantileArm(values: ArrayLike<number>, probability: number, options: QuantileArmOptions = {}): QuantileArm {
  const { units } = demandOptions(options);
  demandList('values', values);
  demandLevel('probability', probability);
  if (units !== undefined) demandSameLength('values', values, 'units', units);
  const kept = new Float64Array(values.length);
  const keptUnits = units === undefined ? undefined : new Float64Array(values.length);
  let n = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'number' || Number.isNaN(value)) continue;
    kept[n] = Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
    if (keptUnits !== undefined) {
      demandWhole(`units[${i}]`, units![i]!);
      keptUnits[n] = units![i]!;
    }
    n++;
  }
  if (n === 0) return { kind: 'quantile', n: 0, probability, value: 0, low: 0, high: 0 };
  const ordered = kept.slice(0, n);
  const at = (share: number): number => selectValue(ordered, Math.max(0, Math.min(n - 1, Math.round(n * share - 0.5))));
  const value = at(probability);
  const spread = keptUnits === undefined ? 0 : varianceOfShare(kept, keptUnits, n, value);
  const reach = widthOf95 * Math.sqrt(spread > 0 ? spread : (probability * (1 - probability)) / n);
  const alone = spread > 0 ? Math.floor(varianceOfOne(kept, n, value) / spread) : n;
  return { kind: 'quantile', n: Math.min(n, alone), probability, value, low: Math.min(value, at(probability - reach)), high: Math.max(value, at(probability + reach)) };
}

const widthOf95 = 1.959_963_984_540_054;

/** p(1 - p) of the share of values that are at most so large: the variance that one independent value has. */
function varianceOfOne(values: Float64Array, n: number, value: number): number {
  let below = 0;
  for (let i = 0; i < n; i++) if (values[i]! <= value) below++;
  return (below / n) * (1 - below / n);
}

/** The variance of the share of values that are at most so large, where units have several: that of the ratio of two sums over units. */
function varianceOfShare(values: Float64Array, units: Float64Array, n: number, value: number): number {
  let most = 0;
  for (let i = 0; i < n; i++) if (units[i]! > most) most = units[i]!;
  const place = most < 4 * n + 1024 ? (unit: number): number => unit : placesOf();
  const counts = new Float64Array(Math.min(most + 1, 4 * n + 1024));
  const below = new Float64Array(counts.length);
  let all = 0;
  for (let i = 0; i < n; i++) {
    const unit = place(units[i]!);
    counts[unit]!++;
    if (values[i]! > value) continue;
    below[unit]!++;
    all++;
  }
  const share = all / n;
  let clusters = 0;
  let squares = 0;
  for (let unit = 0; unit < counts.length; unit++) {
    if (counts[unit] === 0) continue;
    clusters++;
    squares += (below[unit]! - share * counts[unit]!) ** 2;
  }
  // Of one unit nothing is known of how units differ: it tells as much as one value.
  return clusters < 2 ? share * (1 - share) : ((clusters / (clusters - 1)) * squares) / (n * n);
}

/** Gives units that are numbered far apart places next to each other. */
function placesOf(): (unit: number) => number {
  const places = new Map<number, number>();
  return (unit) => {
    const place = places.get(unit) ?? places.size;
    places.set(unit, place);
    return place;
  };
}
