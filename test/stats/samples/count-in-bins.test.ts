import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/core/errors.ts';
import { binOf, countInBins } from '../../../src/stats/samples/count-in-bins.ts';
import { nextUp, quantileEdges } from '../../../src/stats/samples/quantile-edges.ts';
import { SortedSample } from '../../../src/stats/samples/sorted-sample.ts';

const doubles = fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 300 });

describe('countInBins', () => {
  it('puts every number where a search over the edges puts it, however they are counted', () => {
    const edgesOf = fc.oneof(
      doubles.map((values) => [...quantileEdges(values, 200)]),
      fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 60 }).map((values) => [...quantileEdges(values, 20)]),
      fc.array(fc.integer({ min: -300, max: 300 }), { minLength: 1, maxLength: 60 }).map((powers) => [...new Set(powers)].sort((a, b) => a - b).map((power) => 10 ** power)),
    );
    fc.assert(
      fc.property(edgesOf, fc.array(fc.double({ noNaN: true, min: -60, max: 60 }), { maxLength: 50 }), (list, extra) => {
        const edges = Float64Array.from(list);
        const pool = [...extra, ...list, ...list.map(nextUp), ...list.map((edge) => -nextUp(-edge)), Infinity, -Infinity];
        const values = Float64Array.from({ length: 5001 }, (_, i) => pool[i % pool.length]!);
        const bins = pool.map((value) => list.filter((edge) => value >= edge).length);
        const expected = new Float64Array(edges.length + 1);
        for (let i = 0; i < values.length; i++) expected[bins[i % pool.length]!]!++;
        expect(countInBins(values, edges)).toEqual(expected);
        expect(countInBins(values.subarray(0, 50), edges)).toEqual(countInBins(SortedSample.of(values.subarray(0, 50)), edges));
        expect(countInBins(SortedSample.of(values), edges)).toEqual(expected);
        expect(pool.map((value) => binOf(edges, value))).toEqual(bins);
      }),
      { numRuns: 60 },
    );
  });

  it('leaves out what is no number, however many there are', () => {
    for (const length of [10, 10_000]) {
      const values = Float64Array.from({ length }, (_, i) => (i % 2 === 0 ? NaN : i % 10));
      expect([...countInBins(values, [4, 8])]).toEqual([0.2 * length, 0.2 * length, 0.1 * length]);
    }
    expect([...countInBins([null, undefined, '3', 5] as never, [4])]).toEqual([0, 1]);
    expect([...countInBins([1, NaN, 2], [])]).toEqual([2]);
  });

  it('names the edge that is out of order', () => {
    for (const edges of [[0, 0], [1, 0], [NaN]]) expect(() => countInBins([1], edges)).toThrow(ValidationError);
    expect(() => countInBins([1], [0, 2, 1])).toThrow(/edges\[2\] is 1/);
  });
});
