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
    return this.#drawn(n, () => mean + deviation * this.normal());
  }

  whole(n: number, below: number): Float64Array {
    return this.#drawn(n, () => Math.floor(this.random() * below));
  }

  /** Categories whose frequencies fall off: the first are several times as frequent as the last. */
  categories(n: number, count: number): string[] {
    const names = Array.from({ length: count }, (_, i) => `c${i}`);
    const drawn = new Array<string>(n);
    for (let i = 0; i < n; i++) drawn[i] = names[Math.floor(count * this.random() ** 1.5)]!;
    return drawn;
  }

  // Float64Array.from takes far longer than the draws.
  #drawn(n: number, draw: () => number): Float64Array {
    const drawn = new Float64Array(n);
    for (let i = 0; i < n; i++) drawn[i] = draw();
    return drawn;
  }
}
