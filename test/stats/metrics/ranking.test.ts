import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/core/errors.ts';
import { meanAveragePrecision } from '../../../src/stats/metrics/mean-average-precision.ts';
import { meanReciprocalRank } from '../../../src/stats/metrics/mean-reciprocal-rank.ts';
import { ndcg } from '../../../src/stats/metrics/ndcg.ts';

function permutations<T>(list: readonly T[]): T[][] {
  return list.length === 0 ? [[]] : list.flatMap((one, i) => permutations([...list.slice(0, i), ...list.slice(i + 1)]).map((rest) => [one, ...rest]));
}

const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Relevance in every order that the scores allow. */
const orders = (relevance: number[], scores: number[]): number[][] =>
  permutations(scores.map((_, i) => i))
    .filter((order) => order.every((one, i) => i === 0 || scores[order[i - 1]!]! >= scores[one]!))
    .map((order) => order.map((i) => relevance[i]!));

const definitions = {
  ndcg: (ranked: number[], k: number): number => {
    const dcg = (list: number[]): number => list.slice(0, k).reduce((sum, one, i) => sum + one / Math.log2(i + 2), 0);
    const best = dcg([...ranked].sort((a, b) => b - a));
    return best === 0 ? 0 : dcg(ranked) / best;
  },
  meanReciprocalRank: (ranked: number[], k: number): number => {
    const at = ranked.slice(0, k).findIndex((one) => one > 0);
    return at < 0 ? 0 : 1 / (at + 1);
  },
  meanAveragePrecision: (ranked: number[], k: number): number => {
    const relevant = ranked.filter((one) => one > 0).length;
    const shares = ranked.slice(0, k).map((one, i) => (one > 0 ? ranked.slice(0, i + 1).filter((other) => other > 0).length / (i + 1) : 0));
    return relevant === 0 ? 0 : shares.reduce((a, b) => a + b, 0) / Math.min(k, relevant);
  },
};

const metrics = { ndcg, meanReciprocalRank, meanAveragePrecision };

describe.each(['ndcg', 'meanReciprocalRank', 'meanAveragePrecision'] as const)('%s', (name) => {
  const metric = metrics[name];

  it('is the expectation of its definition over all orders of equal scores', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(2)), { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 7 }), (items, k) => {
        const relevance = items.map(([one]) => one);
        const scores = items.map(([, score]) => score);
        const expected = mean(orders(relevance, scores).map((ranked) => definitions[name](ranked, k)));
        expect(metric([relevance], [scores], { k })).toBeCloseTo(expected, 10);
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  it('is 1 for the best order, the mean over queries, and 0 for a query without anything relevant', () => {
    expect(metric([[2, 1, 0]], [[3, 2, 1]])).toBeCloseTo(1, 14);
    expect(metric([[2, 1, 0], [0, 0, 0], []], [[3, 2, 1], [3, 2, 1], []])).toBeCloseTo(1 / 3, 14);
    expect(metric([], [])).toBeNaN();
  });

  it('ranks infinities and leaves out items with a NaN', () => {
    expect(metric([[0, NaN, 1, 5]], [[-Infinity, 9, Infinity, NaN]])).toBeCloseTo(1, 14);
  });

  it('refuses wrong arguments', () => {
    expect(() => metric([[1]], [[1], [2]])).toThrow(ValidationError);
    expect(() => metric([[1]], [[1, 2]])).toThrow(/relevance\[0\]/);
    expect(() => metric([[-1]], [[1]])).toThrow(/relevance\[0\]\[0\]/);
    expect(() => metric([[1]], [[1]], { k: 0 })).toThrow(/k is 0/);
  });
});

describe('ndcg with exponential gain', () => {
  it('is that of 2^relevance - 1, however large', () => {
    const relevance = [[0, 3, 1, 2]];
    const scores = [[4, 2, 3, 1]];
    expect(ndcg(relevance, scores, { gain: 'exponential' })).toBeCloseTo(ndcg([[0, 7, 1, 3]], scores), 14);
    expect(ndcg([[5000, 0]], [[1, 2]], { gain: 'exponential' })).toBeCloseTo(1 / Math.log2(3), 12);
    expect(() => ndcg(relevance, scores, { gain: 'cubic' as 'linear' })).toThrow(/gain/);
  });
});
