import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandLevel, demandList, demandOneOf, demandOptions, demandPositive } from '../arguments.ts';
import { normal } from '../distributions/normal.ts';
import { solveMonotone } from '../distributions/solve-monotone.ts';
import { gaussPanels } from './gauss-panels.ts';

/** How {@link groupSequentialBounds} spends the level. */
export interface GroupSequentialOptions {
  /** The chance of any false alarm over all looks. @default 0.05 */
  alpha?: number | undefined;
  /** Whether differences on both sides are evidence. @default 2 */
  sides?: 1 | 2 | undefined;
  /** `obrien-fleming` is strict at first and almost free at the end; `pocock` about equal at every look; `power` spends alpha · tᵉ with `exponent` e. @default 'obrien-fleming' */
  spending?: 'obrien-fleming' | 'pocock' | 'power' | undefined;
  /** The exponent of `power`. @default 2 */
  exponent?: number | undefined;
}

/** One look of a group-sequential design. */
export interface GroupSequentialLook {
  /** The share of all information at which it takes place, above 0, at most 1. */
  readonly fraction: number;
  /** From how many standard errors on a difference is significant at this look; Infinity where nothing is spent on it. */
  readonly z: number;
  /** The p-value at most which it is significant. */
  readonly alpha: number;
  /** How much of the level is spent up to this look. */
  readonly spent: number;
}

/**
 * Bounds for a few planned looks at an experiment, such that the chance of any false alarm over all of them is alpha (Lan and DeMets 1983): narrower than an always valid interval, for whoever knows how much is to come. Looks may be at any fractions of
 * the information, and later ones need not be known yet: the bound of a look depends on those before it only.
 *
 * The chance to pass each bound after none before is computed by numerical integration over the law of the score (Armitage, McPherson and Rowe 1969); bounds are good to some 1e-6. Two sides are two bounds at half the level each. A look at less than a
 * millionth more information than the one before learns nothing: its bound is Infinity, and its part of the level is left to later ones. Costs O(looks), and more the closer looks are to each other.
 *
 * @throws ValidationError for fractions that do not rise, or lie outside (0, 1], and options out of range.
 *
 * @example
 * ```ts
 * import { groupSequentialBounds } from 'modelkeep/stats';
 *
 * const looks = groupSequentialBounds([0.25, 0.5, 0.75, 1]);
 * console.log(looks.map(({ z }) => z.toFixed(2))); // ['4.33', '2.96', '2.36', '2.01']
 * ```
 */
export function groupSequentialBounds(fractions: ArrayLike<number>, options: GroupSequentialOptions = {}): readonly GroupSequentialLook[] {
  const { alpha = 0.05, sides = 2, spending = 'obrien-fleming', exponent = 2 } = demandOptions(options);
  demandLevel('alpha', alpha);
  if (sides !== 1 && sides !== 2) throw new ValidationError(`sides is ${shown(sides)}; it must be 1 or 2.`, { path: 'sides' });
  demandOneOf('spending', spending, ['obrien-fleming', 'pocock', 'power']);
  demandPositive('exponent', exponent);
  demandFractions(fractions);
  const spentBy = { 'obrien-fleming': obrienFleming, pocock, power: (t: number, level: number): number => level * t ** exponent }[spending];
  const looks: GroupSequentialLook[] = [];
  let last: { readonly fraction: number; readonly score: number; readonly spent: number; readonly law: ScoreLaw } | undefined;
  for (let k = 0; k < fractions.length; k++) {
    const fraction = fractions[k]!;
    if (last !== undefined && fraction - last.fraction < closest * fraction) {
      looks.push({ fraction, z: Infinity, alpha: 0, spent: sides * last.spent });
      continue;
    }
    const spent = spentBy(fraction, alpha / sides);
    const law: ScoreLaw = last === undefined ? firstLaw(fraction) : last.law.within(sides === 2 ? -last.score : -Infinity, last.score, { fraction: last.fraction, next: fraction });
    const score = law.boundFor(spent - (last?.spent ?? 0));
    const z = score / Math.sqrt(fraction);
    looks.push({ fraction, z, alpha: sides * normal.sf(z), spent: sides * spent });
    last = { fraction, score, spent, law };
  }
  return looks;
}

function demandFractions(fractions: ArrayLike<number>): void {
  demandList('fractions', fractions);
  for (let k = 0; k < fractions.length; k++) {
    const fraction = fractions[k]!;
    if (typeof fraction === 'number' && fraction > (k === 0 ? 0 : fractions[k - 1]!) && fraction <= 1) continue;
    throw new ValidationError(`fractions[${k}] is ${shown(fraction)}; fractions rise from above 0 to at most 1.`, { path: `fractions[${k}]` });
  }
}

// Both are the level on one side.
function obrienFleming(t: number, level: number): number {
  return 2 * normal.cdf(normal.quantile(level / 2) / Math.sqrt(t));
}

function pocock(t: number, level: number): number {
  return level * Math.log1p((Math.E - 1) * t);
}

// Looks that are closer, as a share of the information, bring nothing that could be told from rounding.
const closest = 1e-6;

// Panels of the law within the bounds, at least so many.
const least = 40;
// Beyond so many standard deviations nothing is left of a normal law in comparison with 1, nor with the least that is ever spent.
const far = 10;
const farthest = 40;
// What is so many standard deviations away adds nothing to a density.
const seen = 20;

/** The law of the score (a Brownian motion at the fraction of the information) of those who have passed no bound: masses at places, spread by a normal law since. */
class ScoreLaw {
  readonly #places: Float64Array;
  readonly #masses: Float64Array;
  readonly #sd: number;

  constructor(places: Float64Array, masses: Float64Array, sd: number) {
    this.#places = places;
    this.#masses = masses;
    this.#sd = sd;
  }

  /** The score from which on, to the one side, so much of the law lies; Infinity for none. */
  boundFor(tail: number): number {
    if (!(tail > 0)) return Infinity;
    // By logarithms, in which tails of any size are as easy to find.
    const wanted = Math.log(tail);
    return solveMonotone((score) => {
      const above = this.#above(score);
      return [wanted - Math.log(above), this.#density(score) / above];
    }, 2 * this.#sd);
  }

  /** The law at the next fraction of those who are between two bounds at this one, in so many places that it can be computed. */
  within(from: number, to: number, { fraction, next }: { fraction: number; next: number }): ScoreLaw {
    const [low, high] = [Math.max(from, -(from === -Infinity ? far : farthest) * Math.sqrt(fraction)), Math.min(to, farthest * Math.sqrt(fraction))];
    const sd = Math.sqrt(next - fraction);
    const { places, weights } = gaussPanels(this.#edges(low, high, sd));
    const masses = places.map((place, i) => weights[i]! * this.#density(place));
    return new ScoreLaw(places, masses, sd);
  }

  /** Panels that are narrow enough for what comes next and, near the bounds, where it falls off within what came last, for this law as well. */
  #edges(low: number, high: number, sd: number): Float64Array {
    const panels = Math.max(least, Math.ceil((high - low) / sd));
    const width = (high - low) / panels;
    const edges = Array.from({ length: panels + 1 }, (_, i) => low + i * width);
    if (this.#sd < width) for (let i = 1; i <= far && i * this.#sd < high - low; i++) edges.push(low + i * this.#sd, high - i * this.#sd);
    return Float64Array.from(edges).sort();
  }

  #above(score: number): number {
    let sum = 0;
    for (let i = this.#firstSeenFrom(score); i < this.#places.length; i++) sum += this.#masses[i]! * normal.sf((score - this.#places[i]!) / this.#sd);
    return sum;
  }

  #density(score: number): number {
    let sum = 0;
    for (let i = this.#firstSeenFrom(score); i < this.#places.length; i++) {
      const z = (score - this.#places[i]!) / this.#sd;
      if (z < -seen) break;
      sum += this.#masses[i]! * normal.pdf(z);
    }
    return sum / this.#sd;
  }

  /** The first place that is near enough to a score, or above it. */
  #firstSeenFrom(score: number): number {
    if (this.#places.length === 1) return 0;
    let [low, high] = [0, this.#places.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#places[middle]! < score - seen * this.#sd) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The law of the score at the first look. */
function firstLaw(fraction: number): ScoreLaw {
  return new ScoreLaw(Float64Array.of(0), Float64Array.of(1), Math.sqrt(fraction));
}
