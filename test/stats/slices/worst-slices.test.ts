import { quantileEdges, welchTTest, worstSlices } from 'modelkeep/stats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';
import { expectAtMostAlpha } from '../profiles/false-alarms.ts';

interface Flight {
  readonly carrier: string;
  readonly month: number;
  readonly distance: number;
  readonly late: boolean | null;
}

function flights(seed: number, count: number): { generator: SeededGenerator; rows: Flight[] } {
  const generator = new SeededGenerator(seed);
  const row = (): Flight => ({ carrier: 'ABCDE'[generator.below(5)]!, month: 1 + generator.below(12), distance: generator.uniform() * 1000, late: generator.below(8) === 0 ? null : generator.below(2) === 0 });
  return { generator, rows: Array.from({ length: count }, row) };
}

const texts = ({ slices }: { slices: readonly { text: string }[] }): string[] => slices.map(({ text }) => text);

describe('worstSlices', () => {
  it('finds one column, two columns, and whatever kind they are', () => {
    const { generator, rows } = flights(1, 6000);
    const scored = (worse: (flight: Flight) => boolean): object[] => rows.map((flight) => ({ ...flight, loss: generator.uniform() + (worse(flight) ? 0.6 : 0) }));
    expect(texts(worstSlices(scored(({ carrier }) => carrier === 'B'), { score: 'loss' }))).toEqual(['carrier is B']);
    expect(texts(worstSlices(scored(({ month }) => month === 7), { score: 'loss' }))).toEqual(['month is 7']);
    expect(texts(worstSlices(scored(({ late }) => late === null), { score: 'loss' }))).toEqual(['late is missing']);
    expect(worstSlices(scored(({ late }) => late === true), { score: 'loss' }).slices[0]!.where).toEqual({ late: { eq: true } });
    expect(worstSlices(scored(({ distance }) => distance < 150), { score: 'loss' }).slices[0]!.where['distance']).toEqual({ lt: quantileEdges(rows.map(({ distance }) => distance), 5)[0] });
    const both = worstSlices(scored(({ carrier, month }) => carrier === 'D' && month === 2), { score: 'loss' });
    expect(both.slices.map(({ where }) => where)).toEqual([{ carrier: { eq: 'D' }, month: { eq: 2 } }]);
    expect(both.summary).toContain('worst: carrier is D and month is 2 (');
  });

  it('gives what the definition gives: means, interval, effect and test of the slice against all others', () => {
    const { generator, rows } = flights(2, 1500);
    const loss = rows.map(({ carrier }) => 1e6 + generator.uniform() + (carrier === 'C' ? 1 : 0));
    const { slices, rows: counted, dropped, mean } = worstSlices({ carrier: rows.map(({ carrier }) => carrier), loss }, { score: 'loss' });
    const [inside, outside] = [loss.filter((_, i) => rows[i]!.carrier === 'C'), loss.filter((_, i) => rows[i]!.carrier !== 'C')];
    const test = welchTTest(inside, outside);
    expect([counted, dropped, slices.length]).toEqual([1500, 0, 1]);
    expect(mean).toBeCloseTo(loss.reduce((sum, value) => sum + value / 1500, 0), 6);
    expect(slices[0]).toMatchObject({ rows: inside.length });
    for (const key of ['difference', 'low', 'high', 'effect'] as const) expect(slices[0]![key]).toBeCloseTo(test[key], 8);
    expect([slices[0]!.mean, slices[0]!.restMean]).toEqual([expect.closeTo(test.means[0], 6), expect.closeTo(test.means[1], 6)]);
    expect(slices[0]!.pValue / welchTTest(inside, outside, { alternative: 'greater' }).pValue).toBeCloseTo(1, 4);
  });

  it('looks for low scores when these are the worse ones', () => {
    const { generator, rows } = flights(3, 3000);
    const scored = rows.map((flight) => ({ ...flight, auc: generator.uniform() - (flight.carrier === 'E' ? 0.5 : 0) }));
    const [worst] = worstSlices(scored, { score: 'auc', worse: 'lower' }).slices;
    expect(worst).toMatchObject({ text: 'carrier is E', effect: expect.any(Number) });
    expect(worst!.high).toBeLessThan(-0.4);
    expect([worst!.low < worst!.difference, worst!.difference < worst!.high, worst!.effect! > 0]).toEqual([true, true, true]);
    expect(texts(worstSlices(scored, { score: 'auc' }))).not.toContain('carrier is E');
  });

  it('tells a slice within a slice only where it is worse than that', () => {
    const { generator, rows } = flights(4, 12_000);
    const scored = rows.map((flight) => ({ ...flight, loss: generator.uniform() + (flight.carrier === 'A' ? 0.5 : 0) + (flight.carrier === 'A' && flight.month === 3 ? 1 : 0) }));
    expect(texts(worstSlices(scored, { score: 'loss' }))).toEqual(['carrier is A and month is 3', 'carrier is A']);
  });

  it.each([
    ['exponential losses', (generator: SeededGenerator) => -Math.log(1 - generator.uniform())],
    ['errors of 0 and 1', (generator: SeededGenerator) => Number(generator.uniform() < 0.08)],
  ])('tells a slice where there is none no more often than alpha: %s', (what, draw) => {
    let told = 0;
    const trials = 100;
    for (let trial = 0; trial < trials; trial++) {
      const { generator, rows } = flights(100 + trial, 500);
      if (worstSlices(rows.map((flight) => ({ ...flight, loss: draw(generator) })), { score: 'loss', minEffect: 0 }).slices.length > 0) told++;
    }
    expectAtMostAlpha(told, trials, what, { alpha: 0.05, seed: 100 });
  });

  it('leaves points in time and the columns that are not asked for, and counts rows without a score', () => {
    const { generator, rows } = flights(5, 600);
    const scored = rows.map((flight, i) => ({ ...flight, at: new Date(i), loss: i < 7 ? NaN : i < 9 ? Infinity : i < 10 ? null : generator.uniform() + (flight.carrier === 'B' ? 2 : 0) }));
    const found = worstSlices(scored, { score: 'loss', columns: ['carrier'], depth: 1 });
    expect(found).toMatchObject({ tested: 5, rows: 590, dropped: 10 });
    expect(texts(found)).toEqual(['carrier is B']);
    expect(worstSlices(scored, { score: 'loss', columns: ['month'] }).slices).toEqual([]);
  });

  it('says when there is nothing to look at', () => {
    expect(worstSlices({ x: [1, 2], loss: [1, 2] }, { score: 'loss' })).toMatchObject({ slices: [], tested: 0, rows: 2, summary: 'No slice of 2 rows is large enough to be looked at.' });
    expect(worstSlices({ x: [], loss: [] }, { score: 'loss' })).toMatchObject({ mean: null, rows: 0 });
    const even = Array.from({ length: 200 }, (_, i) => ({ x: i % 2, loss: 1 }));
    expect(worstSlices(even, { score: 'loss' })).toMatchObject({ slices: [], tested: 2, summary: 'None of 2 slices of 200 rows is surely worse than the other rows.' });
  });

  it('tells a slice whose scores are all the same, beside others that are too', () => {
    const rows = Array.from({ length: 200 }, (_, i) => ({ x: 'ab'[i % 2], loss: i % 2 }));
    expect(worstSlices(rows, { score: 'loss' }).slices).toEqual([expect.objectContaining({ text: 'x is b', effect: null, pValue: 0, difference: 1, low: 1, high: 1 })]);
  });

  it('is sound on whatever is in the columns', () => {
    const value = fc.oneof(fc.constantFrom(null, NaN, Infinity, -Infinity, 0, -0, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, true, '', '__proto__', 5n, { a: 1 }), fc.double(), fc.string());
    const column = fc.array(value, { minLength: 1, maxLength: 7 }).map((values) => Array.from({ length: 70 }, (_, i) => values[i % values.length]));
    fc.assert(
      fc.property(column, column, column, (x, y, loss) => {
        const found = worstSlices({ x, ['__proto__']: y, loss }, { score: 'loss', minRows: 2 });
        expect(JSON.parse(JSON.stringify(found))).toEqual(found);
        expect(found.rows + found.dropped).toBe(70);
        for (const slice of found.slices) expect([slice.low <= slice.high, slice.adjustedPValue <= 0.05, slice.difference > 0]).toEqual([true, true, true]);
      }),
      { seed: 6, numRuns: 200 },
    );
  });

  it('names what is wrong', () => {
    const data = { x: [1, 2], loss: [1, 2] };
    for (const [options, word] of [[{ score: 'los' }, 'score is "los"'], [{ score: 'loss', columns: ['z'] }, 'columns[0]'], [{ score: 'loss', depth: 3 }, 'depth'], [{ score: 'loss', worse: 'up' }, 'worse'], [{ score: 'loss', minRows: 1 }, 'minRows'], [{ score: 'loss', minEffect: -1 }, 'minEffect'], [{ score: 'loss', alpha: 0 }, 'alpha'], [{ score: 'loss', bins: 1 }, 'bins'], [{ score: 'loss', maxValues: 0 }, 'maxValues'], [{ score: 'loss', limit: 0 }, 'limit']] as const) {
      expect(() => worstSlices(data, options as never), word).toThrow(expect.objectContaining({ code: 'validation', message: expect.stringContaining(word) }));
    }
  });
});
