import { beta } from '../distributions/beta.ts';
import { normal } from '../distributions/normal.ts';
import { betaTerm } from '../special/saddle-point.ts';

/** The parameters of a Beta law. */
export interface BetaLaw {
  readonly a: number;
  readonly b: number;
}

/** The mean of a function over a law. The function is smooth but for places where it bends, such as those from which on it is constant. */
export type BetaAverage = (value: (x: number) => number, bends?: readonly number[]) => number;

// The trapezoidal rule over a normal law is exact to the last digits at this step, for what is smooth on its scale.
const step = 0.1;
const far = 12;

/** Averages over a Beta law: over quantiles of it, or where something bends, piece by piece. */
export function betaAverage(law: BetaLaw): BetaAverage {
  const count = Math.round((2 * far) / step) + 1;
  const places = Array.from({ length: count }, (_, k) => {
    const z = -far + k * step;
    // Each from its own tail: 1 is as far as a chance can tell the upper one.
    const x = z < 0 ? beta.quantile(normal.cdf(z), law.a, law.b) : 1 - beta.quantile(normal.cdf(-z), law.b, law.a);
    return { x, weight: step * normal.pdf(z) };
  });
  // A law that rises to infinity at an end has its last digits there.
  const [low, high] = [law.a < 1 ? 0 : places[0]!.x, law.b < 1 ? 1 : places.at(-1)!.x];
  return (value, bends = []) => {
    const inside = bends.filter((x) => x > low && x < high).sort((p, q) => p - q);
    if (inside.length === 0) return places.reduce((sum, { x, weight }) => sum + weight * value(x), 0);
    const edges = [low, ...inside, high];
    return inside.reduce((sum, x, i) => sum + piece(law, value, x, edges[i + 2]!), piece(law, value, low, inside[0]!));
  };
}

// The double exponential rule (Takahasi and Mori 1974), to which what happens at the ends is nothing, at this step and so far.
const fine = 1 / 16;
const reach = 6;

function piece({ a, b }: BetaLaw, value: (x: number) => number, low: number, high: number): number {
  const width = high - low;
  let sum = 0;
  for (let u = -reach; u <= reach; u += fine) {
    const slope = (Math.PI / 2) * Math.sinh(u);
    const share = 1 / (1 + Math.exp(2 * Math.abs(slope)));
    const x = slope < 0 ? low + width * share : high - width * share;
    const rest = slope < 0 ? 1 - x : 1 - high + width * share;
    if (!(x > 0 && rest > 0)) continue;
    // The derivative of the share is share · (1 - share) · π cosh u.
    const mass = (betaTerm(a, b, x, rest) / (x * rest)) * width * share * (1 - share) * Math.PI * Math.cosh(u);
    if (mass > 0) sum += mass * value(x);
  }
  return fine * sum;
}
