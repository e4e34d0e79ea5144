import { describe, expect, it } from 'vitest';
import { BatchCost } from '../../../src/serving/execution/batch-cost.ts';

describe('the cost of batches', () => {
  it('is the line through what they took', () => {
    const cost = new BatchCost();
    for (const size of [1, 8, 3, 20, 32]) cost.add(size, 12 + 0.5 * size);
    expect(cost.fixedMs).toBeCloseTo(12, 9);
    expect(cost.perItemMs).toBeCloseTo(0.5, 9);
    expect(cost.expectedMs(100)).toBeCloseTo(62, 9);
    expect(cost.spreadMs).toBeCloseTo(0, 9);
  });

  it('is nothing before five were seen, and has no parts while all were of one size', () => {
    const cost = new BatchCost();
    for (let i = 0; i < 4; i++) cost.add(4, 10);
    expect([cost.expectedMs(4), cost.fixedMs, cost.spreadMs]).toEqual([0, 0, 0]);
    cost.add(4, 15);
    expect([cost.expectedMs(4), cost.expectedMs(32), cost.fixedMs, cost.perItemMs]).toEqual([11, 11, 0, 0]);
    expect(cost.spreadMs).toBeCloseTo(2, 9);
  });

  it('has no part that is negative', () => {
    const [falling, steep] = [new BatchCost(), new BatchCost()];
    for (let size = 1; size <= 10; size++) {
      falling.add(size, 20 - size);
      steep.add(size, 3 * size * size);
    }
    expect([falling.perItemMs, falling.fixedMs]).toEqual([0, 14.5]);
    // The least-squares slope through the origin: 3 Σn³ / Σn².
    expect(steep.fixedMs).toBe(0);
    expect(steep.perItemMs).toBeCloseTo((3 * 3025) / 385, 9);
  });

  it('follows the last fifty', () => {
    const cost = new BatchCost();
    for (let i = 0; i < 50; i++) cost.add(1 + (i % 7), 1000);
    for (let i = 0; i < 50; i++) cost.add(1 + (i % 7), 2 * (1 + (i % 7)));
    expect(cost.perItemMs).toBeCloseTo(2, 9);
    expect(cost.fixedMs).toBeCloseTo(0, 9);
  });
});
