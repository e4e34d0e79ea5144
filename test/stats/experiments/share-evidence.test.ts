import { describe, expect, it } from 'vitest';
import { shareEvidence, shareLowerBound, shareUpperBound } from '../../../src/stats/experiments/share-evidence.ts';
import { seededRandom } from '../../../src/core/random.ts';

/** The mixture by Simpson's rule, over a density that is written down once more. */
function integrated(successes: number, trials: number, p0: number): number {
  const component = (b: number): number => {
    const panels = 200_000;
    const width = (1 - p0) / panels;
    let sum = 0;
    for (let i = 0; i <= panels; i++) {
      const p = p0 + i * width;
      const density = (b * (1 - p) ** (b - 1)) / (1 - p0) ** b;
      const ratio = (p / p0) ** successes * (p === 1 ? (trials === successes ? 1 : 0) : ((1 - p) / (1 - p0)) ** (trials - successes));
      sum += (i === 0 || i === panels ? 1 : i % 2 === 1 ? 4 : 2) * density * ratio;
    }
    return (sum * width) / 3;
  };
  return (component(Math.max(1, 1 / p0 - 1)) + component(1)) / 2;
}

describe('the evidence against a share', () => {
  it('is the mixture of likelihood ratios', () => {
    for (const [k, n, p0] of [[0, 10, 0.1], [3, 10, 0.1], [9, 10, 0.5], [40, 60, 0.5], [5, 200, 0.01], [2, 3, 0.9]] as const) {
      expect(Math.exp(shareEvidence(k, n, p0)) / integrated(k, n, p0)).toBeCloseTo(1, 6);
    }
  });

  it('knows what nothing can refute, and what one success refutes', () => {
    expect(shareEvidence(5, 5, 1)).toBe(0);
    expect(shareEvidence(0, 0, 0.5)).toBe(0);
    expect(shareEvidence(0, 100, 0)).toBe(0);
    expect(shareEvidence(1, 100, 0)).toBe(Infinity);
  });

  it('stays finite for hundreds of millions of trials', () => {
    expect(shareEvidence(1_000_000, 100_000_000, 0.01)).toBeLessThan(0);
    expect(shareEvidence(1_010_000, 100_000_000, 0.01)).toBeGreaterThan(30);
  });

  it.each([0.01, 0.2, 0.5])('passes 1 / alpha in at most alpha of all streams, though each is looked at after every trial (p = %d)', (p) => {
    const random = seededRandom(41);
    const [streams, trials, alpha] = [400, 400, 0.1];
    let alarms = 0;
    for (let stream = 0; stream < streams; stream++) {
      let successes = 0;
      for (let n = 1; n <= trials; n++) {
        // The evidence grows with a success only: what is looked at then is all that there is to see.
        if (random() >= p) continue;
        successes++;
        if (shareEvidence(successes, n, p) < -Math.log(alpha)) continue;
        alarms++;
        break;
      }
    }
    // Three standard errors above what is promised.
    expect(alarms / streams).toBeLessThanOrEqual(alpha + 3 * Math.sqrt((alpha * (1 - alpha)) / streams));
    expect(alarms).toBeGreaterThan(0);
  });

  it('bounds a share from both sides, the closer the more is known', () => {
    const few = [shareLowerBound(30, 100, 0.05), shareUpperBound(30, 100, 0.05)] as const;
    const many = [shareLowerBound(3000, 10_000, 0.05), shareUpperBound(3000, 10_000, 0.05)] as const;
    expect(few[0]).toBeGreaterThan(0.15);
    expect(many[0]).toBeGreaterThan(0.28);
    expect(many[0]).toBeLessThan(0.3);
    expect(many[1]).toBeGreaterThan(0.3);
    expect(many[1]).toBeLessThan(0.32);
    expect(few[1]).toBeLessThan(0.45);
    expect(shareLowerBound(0, 100, 0.05)).toBe(0);
    expect(shareUpperBound(100, 100, 0.05)).toBe(1);
    // Each end is where the evidence is just enough.
    expect(shareEvidence(3000, 10_000, many[0])).toBeCloseTo(-Math.log(0.05), 1);
  });
});
