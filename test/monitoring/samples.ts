import { seededRandom, type Random } from '../../src/core/random.ts';

/** Draws from known distributions, seeded. */
export class Sampler {
  readonly random: Random;

  constructor(seed: number, random: Random = seededRandom(seed)) {
    this.random = random;
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.random())) * Math.cos(2 * Math.PI * this.random());
  }

  normals(n: number, mean = 0, deviation = 1): Float64Array {
    return Float64Array.from({ length: n }, () => mean + deviation * this.normal());
  }

  whole(n: number, below: number): Float64Array {
    return Float64Array.from({ length: n }, () => Math.floor(this.random() * below));
  }

  /** Categories whose frequencies fall off: the first are several times as frequent as the last. */
  categories(n: number, count: number): string[] {
    return Array.from({ length: n }, () => `c${Math.floor(count * this.random() ** 1.5)}`);
  }
}
