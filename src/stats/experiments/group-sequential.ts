import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandLevel, demandList, demandOneOf, demandOptions, demandPositive } from '../arguments.ts';
import { normal } from '../distributions/normal.ts';
import { solveMonotone } from '../distributions/solve-monotone.ts';

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
 * The chance to pass each bound after none before is computed by numerical integration over the law of the score (Armitage, McPherson and Rowe 1969); bounds are good to some 1e-6. Two sides are two bounds at half the level each. Costs O(looks).
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
  let law: ScoreLaw | undefined;
  let before = 0;
  let lastFraction = 0;
  for (let k = 0; k < fractions.length; k++) {
    const fraction = fractions[k]!;
    const spent = spentBy(fraction, alpha / sides);
    const step: ScoreLaw = law === undefined ? firstLaw(fraction) : law.after(fraction - lastFraction);
    const score = step.boundFor(spent - before);
    const z = score / Math.sqrt(fraction);
    looks.push({ fraction, z, alpha: sides * normal.sf(z), spent: sides * spent });
    if (k + 1 < fractions.length) law = step.within(sides === 2 ? -score : -Infinity, score, { fraction, next: fractions[k + 1]! });
    before = spent;
    lastFraction = fraction;
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
  return 2 * normal.sf(normal.quantile(1 - level / 2) / Math.sqrt(t));
}

function pocock(t: number, level: number): number {
  return level * Math.log(1 + (Math.E - 1) * t);
}

// Panels of Gauss and Legendre's rule of six points for the law within the bounds: as many as it takes for none to be wider than a standard deviation of what comes next.
const least = 40;
const most = 400;
const nodes = [-0.932_469_514_203_152, -0.661_209_386_466_264_5, -0.238_619_186_083_196_9, 0.238_619_186_083_196_9, 0.661_209_386_466_264_5, 0.932_469_514_203_152] as const;
const weights = [0.171_324_492_379_170_36, 0.360_761_573_048_138_6, 0.467_913_934_572_691, 0.467_913_934_572_691, 0.360_761_573_048_138_6, 0.171_324_492_379_170_36] as const;
// Beyond so many standard errors nothing is left.
const far = 10;

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
    return solveMonotone((score) => [tail - this.#above(score), this.#density(score)], 2 * this.#sd);
  }

  /** The law between two bounds, in so many places that the law at the next fraction can be computed from it. */
  within(from: number, to: number, { fraction, next }: { fraction: number; next: number }): ScoreLaw {
    const widest = far * Math.sqrt(fraction);
    const [low, high] = [Math.max(from, -widest), Math.min(to, widest)];
    const panels = Math.min(most, Math.max(least, Math.ceil((high - low) / Math.sqrt(next - fraction))));
    const places = new Float64Array(panels * nodes.length);
    const masses = new Float64Array(places.length);
    const half = (high - low) / panels / 2;
    for (let i = 0; i < places.length; i++) {
      const node = i % nodes.length;
      const place = low + half * (2 * Math.floor(i / nodes.length) + 1 + nodes[node]!);
      places[i] = place;
      masses[i] = half * weights[node]! * this.#density(place);
    }
    return new ScoreLaw(places, masses, 0);
  }

  /** The law after more information came. */
  after(information: number): ScoreLaw {
    return new ScoreLaw(this.#places, this.#masses, Math.sqrt(information));
  }

  #above(score: number): number {
    let sum = 0;
    for (let i = 0; i < this.#places.length; i++) sum += this.#masses[i]! * normal.sf((score - this.#places[i]!) / this.#sd);
    return sum;
  }

  #density(score: number): number {
    let sum = 0;
    for (let i = 0; i < this.#places.length; i++) sum += this.#masses[i]! * normal.pdf((score - this.#places[i]!) / this.#sd);
    return sum / this.#sd;
  }
}

/** The law of the score at the first look. */
function firstLaw(fraction: number): ScoreLaw {
  return new ScoreLaw(Float64Array.of(0), Float64Array.of(1), Math.sqrt(fraction));
}
