import { describe, expect, it } from 'vitest';
import { manyUnseenPValue, outOfRangePValue, unseenPValue, type CategoryRows } from '../../src/monitoring/quality/share-tests.ts';

/** Every way to deal out so many things to two sides, `true` for the current one. */
function* deals(current: number, reference: number): Generator<readonly boolean[]> {
  if (current === 0 || reference === 0) {
    yield Array.from({ length: current + reference }, () => current > 0);
    return;
  }
  for (const rest of deals(current - 1, reference)) yield [true, ...rest];
  for (const rest of deals(current, reference - 1)) yield [false, ...rest];
}

/** The share of all deals of which that is true. */
function shareOf(current: number, reference: number, holds: (deal: readonly boolean[]) => boolean): number {
  const all = [...deals(current, reference)];
  return all.filter(holds).length / all.length;
}

/** How many of both ends belong to the current side. */
function outOf(deal: readonly boolean[]): number {
  return deal.length - 1 - deal.lastIndexOf(false) + deal.indexOf(false);
}

describe('the test of numbers out of the range of others', () => {
  it.each([[3, 5], [6, 2], [5, 6], [8, 4]])('is exact for %i numbers against %i, by every order of them', (current, reference) => {
    for (let rows = 0; rows <= current; rows++) {
      expect(outOfRangePValue({ rows, of: current }, reference), `${rows} out`).toBeCloseTo(shareOf(current, reference, (deal) => outOf(deal) >= rows), 12);
    }
  });

  it('is sure of nothing with fewer than two numbers to go by', () => {
    expect(outOfRangePValue({ rows: 50, of: 50 }, 1)).toBe(1);
    expect(outOfRangePValue({ rows: 50, of: 50 }, 0)).toBe(1);
  });

  it('stays exact in size: a million numbers, of which some are out of the range of a million', () => {
    // Two in a million and one are expected out; that of at least 30 is (k + 2) / 2 ** (k + 1) in the limit.
    expect(outOfRangePValue({ rows: 30, of: 1e6 }, 1e6) / (32 / 2 ** 31)).toBeCloseTo(1, 3);
  });
});

describe('the test of categories that were not seen before', () => {
  const sizes = [1, 1, 1, 2, 3, 4];
  const categories = sizes.flatMap((size, category) => Array.from({ length: size }, () => category));
  const sides = (deal: readonly boolean[]): [current: CategoryRows, reference: CategoryRows] => {
    const count = (side: boolean): CategoryRows => {
      const rows = new Map<string, number>();
      deal.forEach((current, i) => current === side && rows.set(`c${categories[i]}`, (rows.get(`c${categories[i]}`) ?? 0) + 1));
      return [...rows];
    };
    return [count(true), count(false)];
  };

  it.each([4, 6, 9])('is called no likelier than it is, by every way to deal out 12 rows of 6 categories, %i of them current', (current) => {
    const found = [...deals(current, categories.length - current)].map((deal) => unseenPValue(...sides(deal)));
    // Whatever is called significant at a level is at most that likely.
    for (const level of new Set(found)) expect(found.filter((p) => p <= level).length / found.length, `at ${level}`).toBeLessThanOrEqual(level);
    expect(Math.min(...found)).toBeLessThan(0.5);
  });

  it('is nearly the chance itself for one category that comes often', () => {
    const known: CategoryRows = [['a', 400], ['b', 600]];
    const allCurrent = Array.from({ length: 20 }, (_, i) => (1000 - i) / (2000 - i)).reduce((product, each) => product * each);
    const bound = unseenPValue([['a', 500], ['b', 480], ['c', 20]], known);
    expect(bound).toBeGreaterThanOrEqual(allCurrent);
    expect(bound).toBeLessThan(1.1 * allCurrent);
    expect(unseenPValue([['a', 500], ['b', 500]], known)).toBe(1);
    expect(unseenPValue([['a', 500], ['c', 1]], known)).toBeGreaterThan(0.3);
  });

  it('goes by their number where their rows were not counted', () => {
    expect(manyUnseenPValue(100, 3, 1000, 1000)).toBeLessThan(1e-20);
    expect(manyUnseenPValue(100, 200, 1000, 1000)).toBe(1);
    expect(manyUnseenPValue(0, 3, 1000, 1000)).toBe(1);
  });
});
