import { upperConfidenceBounds, type MeanArm, type ProportionArm } from 'modelkeep/stats';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/core/random.ts';

const share = (successes: number, n: number): ProportionArm => ({ kind: 'proportion', successes, n });
const mean = (sum: number, sumSquares: number): MeanArm => ({ kind: 'mean', n: 2, sum, sumSquares });
const seed = Number(process.env['SEED'] ?? 20_261_130);

/** The regret of a bandit over Bernoulli arms. */
function regretOf(shares: readonly number[], trials: number, random: () => number, choose: (arms: readonly ProportionArm[]) => number): number {
  const arms = shares.map(() => ({ kind: 'proportion' as const, successes: 0, n: 0 }));
  let regret = 0;
  for (let trial = 0; trial < trials; trial++) {
    const arm = choose(arms);
    arms[arm]!.n++;
    if (random() < shares[arm]!) arms[arm]!.successes++;
    regret += Math.max(...shares) - shares[arm]!;
  }
  return regret;
}

describe('upper confidence bounds', () => {
  it('of proportions are where n times the divergence is the logarithm of all trials', () => {
    const arms = [share(130, 1000), share(4, 40), share(0, 25), share(30, 30)];
    const { bounds, next } = upperConfidenceBounds(arms);
    const caution = Math.log(1095);
    arms.slice(0, 3).forEach(({ successes, n }, i) => {
      const [p, q] = [successes / n, bounds[i]!];
      expect(q).toBeGreaterThan(p);
      expect(n * ((p === 0 ? 0 : p * Math.log(p / q)) + (1 - p) * Math.log((1 - p) / (1 - q)))).toBeCloseTo(caution, 9);
    });
    expect([bounds[3], next]).toEqual([1, 3]);
    // Without a success the bound has a closed form.
    expect(bounds[2]).toBeCloseTo(1 - Math.exp(-caution / 25), 12);
  });

  it('mirror when less is better', () => {
    const arms = [share(13, 100), share(4, 40), share(0, 25)];
    const mirrored = arms.map(({ successes, n }) => share(n - successes, n));
    const [up, down] = [upperConfidenceBounds(mirrored), upperConfidenceBounds(arms, { lowerIsBetter: true })];
    expect(down.next).toBe(up.next);
    down.bounds.forEach((bound, i) => expect(bound).toBeCloseTo(1 - up.bounds[i]!, 12));
  });

  it('of means are those of UCB-V, which end where the range does', () => {
    // Ten values of 2 and ten of 4: mean 3, variance 1.
    const arm: MeanArm = { kind: 'mean', n: 20, sum: 60, sumSquares: 200 };
    const other: MeanArm = { kind: 'mean', n: 1000, sum: 3050, sumSquares: 9400 };
    const { bounds, next } = upperConfidenceBounds([arm, other], { range: [0, 10] });
    const caution = Math.log(1020);
    expect(bounds[0]).toBeCloseTo(Math.min(10, 3 + Math.sqrt((2 * caution) / 20) + (30 * caution) / 20), 12);
    expect(bounds[1]).toBeCloseTo(3.05 + Math.sqrt((2 * (9.4 - 3.05 ** 2) * caution) / 1000) + (30 * caution) / 1000, 9);
    expect(next).toBe(0);
    const low = upperConfidenceBounds([arm, other], { range: [-90, 10], lowerIsBetter: true });
    expect(low.bounds[1]).toBeCloseTo(3.05 - Math.sqrt((2 * (9.4 - 3.05 ** 2) * caution) / 1000) - (300 * caution) / 1000, 9);
  });

  it('send the first trials to arms that were never tried, and ties to the one that was tried least', () => {
    expect(upperConfidenceBounds([share(1, 1), share(0, 0), share(0, 0)])).toEqual({ next: 1, bounds: [1, 1, 1] });
    expect(upperConfidenceBounds([share(0, 0), share(0, 0)], { lowerIsBetter: true })).toEqual({ next: 0, bounds: [0, 0] });
    expect(upperConfidenceBounds([share(5, 10), share(1, 2)], { exploration: 0 }).next).toBe(1);
  });

  it(`lose little to who knows the best arm (seed ${seed})`, () => {
    const random = seededRandom(seed);
    const [shares, trials, runs] = [[0.5, 0.6, 0.4], 3000, 8];
    let regret = 0;
    for (let run = 0; run < runs; run++) {
      regret += regretOf(shares, trials, random, (arms) => upperConfidenceBounds(arms).next) / runs;
    }
    // Equal shares lose 300. Lai and Robbins: the sum of gap over divergence, times the logarithm of the trials, is the least in the long run; here 59.
    expect(regret).toBeLessThan(110);
  });

  it.each([
    [[share(1, 2)], {}, 'at least two'],
    [[share(1, 2), mean(1, 1)], {}, 'give options.range'],
    [[share(1, 2), mean(9, 50)], { range: [0, 1] as const }, 'outside of the range'],
    [[share(1, 2), mean(1, 1)], { range: [1, 0] as const }, 'the least and the most'],
    [[share(1, 2), share(1, 2)], { exploration: -1 }, 'exploration'],
  ])('refuse what is none: %j %j', (arms, options, message) => {
    expect(() => upperConfidenceBounds(arms, options)).toThrow(message);
  });
});
