import { attributeChange } from 'modelkeep/stats';
import { describe, expect, it } from 'vitest';
import { Sampler } from '../../monitoring/samples.ts';
import { expectAtMostAlpha } from '../profiles/false-alarms.ts';

const seed = 20261201;
const kinds = ['a', 'b', 'c'];
const [before, after] = [{ shares: [0.6, 0.3, 0.1], rates: [0.1, 0.3, 0.5] }, { shares: [0.3, 0.4, 0.3], rates: [0.15, 0.3, 0.6] }];

type Rows = { readonly kind: (string | null)[]; readonly noise: Float64Array; readonly wrong: number[] };

function drawRows(sampler: Sampler, n: number, { shares, rates }: typeof before): Rows {
  const places = Array.from({ length: n }, () => {
    const u = sampler.random();
    return u < shares[0]! ? 0 : u < shares[0]! + shares[1]! ? 1 : 2;
  });
  return { kind: places.map((place) => kinds[place]!), noise: sampler.normals(n), wrong: places.map((place) => (sampler.random() < rates[place]! ? 1 : 0)) };
}

describe('attributeChange', () => {
  it('covers the parts of a known change as often as it says', () => {
    const sampler = new Sampler(seed);
    const composition = kinds.reduce((sum, _, i) => sum + ((after.shares[i]! - before.shares[i]!) * (before.rates[i]! + after.rates[i]!)) / 2, 0);
    const rate = kinds.reduce((sum, _, i) => sum + ((after.shares[i]! + before.shares[i]!) / 2) * (after.rates[i]! - before.rates[i]!), 0);
    const missed = { composition: 0, rate: 0, change: 0, noise: 0 };
    const trials = 250;
    for (let trial = 0; trial < trials; trial++) {
      const [old, now] = [drawRows(sampler, 250, before), drawRows(sampler, 180, after)];
      const found = attributeChange(old, now, { score: 'wrong', columns: ['kind'] });
      const [own] = found.columns;
      const [noise] = attributeChange(old, now, { score: 'wrong', columns: ['noise'] }).columns;
      if (composition < own!.composition.low || composition > own!.composition.high) missed.composition++;
      if (rate < own!.rate.low || rate > own!.rate.high) missed.rate++;
      if (composition + rate < found.change!.low || composition + rate > found.change!.high) missed.change++;
      if (noise!.composition.low > 0 || noise!.composition.high < 0) missed.noise++;
    }
    for (const [what, misses] of Object.entries(missed)) expectAtMostAlpha(misses, trials, what, { alpha: 0.05, seed });
  });

  it('splits the change of the mean into both parts, column by column, the one that has moved first', () => {
    const sampler = new Sampler(seed + 1);
    const [old, now] = [drawRows(sampler, 3000, before), drawRows(sampler, 2000, { ...after, rates: before.rates })];
    const { change, columns, status } = attributeChange(old, now, { score: 'wrong', confidence: 0.9999 });
    const meanOf = ({ wrong }: Rows): number => wrong.reduce((sum, value) => sum + value, 0) / wrong.length;
    expect(status).toBe('attributed');
    expect(change!.value).toBeCloseTo(meanOf(now) - meanOf(old), 12);
    expect(columns.map(({ name }) => name)).toEqual(['kind', 'noise']);
    for (const { composition, rate } of columns) expect(composition.value + rate.value).toBeCloseTo(change!.value, 12);
    expect(columns[0]!.composition.low).toBeGreaterThan(0.05);
    expect([columns[0]!.rate.low < 0, columns[0]!.rate.high > 0]).toEqual([true, true]);
    expect(columns[1]!.rate.low).toBeGreaterThan(0.02);
  });

  it('finds the variances of its intervals as the jackknife does', () => {
    const [old, now] = [drawRows(new Sampler(seed + 2), 120, before), drawRows(new Sampler(seed + 3), 110, after)];
    const partsWithout = (side: 'old' | 'now', row: number): number[] => {
      const cut = ({ kind, noise, wrong }: Rows, own: boolean): Rows => (own ? { kind: kind.toSpliced(row, 1), noise: noise.filter((_, i) => i !== row), wrong: wrong.toSpliced(row, 1) } : { kind, noise, wrong });
      const [column] = attributeChange(cut(old, side === 'old'), cut(now, side === 'now'), { score: 'wrong', columns: ['kind'] }).columns;
      return [column!.composition.value, column!.rate.value];
    };
    const [whole] = attributeChange(old, now, { score: 'wrong', columns: ['kind'] }).columns;
    [whole!.composition, whole!.rate].forEach(({ value, high }, part) => {
      const variance = (['old', 'now'] as const).reduce((sum, side) => {
        const n = side === 'old' ? 120 : 110;
        const values = Array.from({ length: n }, (_, row) => partsWithout(side, row)[part]!);
        const mean = values.reduce((all, one) => all + one / n, 0);
        return sum + values.reduce((all, one) => all + (one - mean) ** 2, 0) * ((n - 1) / n);
      }, 0);
      expect((high - value) / 1.959964 / Math.sqrt(variance)).toBeCloseTo(1, 1);
    });
  });

  it('counts a value that one side lacks with the mean of the other, and what is missing as a value', () => {
    const rows = (kind: string | null, wrong: number): Rows => ({ kind: new Array(100).fill(kind), noise: new Float64Array(100), wrong: new Array(100).fill(wrong) });
    const joined = (...parts: Rows[]): Pick<Rows, 'kind' | 'wrong'> => ({ kind: parts.flatMap(({ kind }) => kind), wrong: parts.flatMap(({ wrong }) => wrong) });
    const found = attributeChange(joined(rows('a', 0), rows(null, 1)), joined(rows('a', 0), rows('new', 5), rows(null, 3)), { score: 'wrong' });
    // Shares went from 1/2, 1/2, 0 to 1/3, 1/3, 1/3; means are 0, 1 and 3, and 5 for what is new.
    expect(found.columns[0]!.composition.value).toBeCloseTo((1 / 3 - 1 / 2) * 2 + 5 / 3, 12);
    expect(found.columns[0]!.rate.value).toBeCloseTo(((1 / 3 + 1 / 2) / 2) * 2, 12);
  });

  it('attributes nothing by a few rows, and names what a side lacks', () => {
    const data = drawRows(new Sampler(seed + 4), 150, before);
    const gone = { ...data, wrong: data.wrong.map((value, i) => (i < 60 ? NaN : value)) };
    expect(attributeChange(data, gone, { score: 'wrong' })).toEqual({ status: 'insufficient', change: null, columns: [], referenceRows: 150, currentRows: 90 });
    expect(attributeChange(data, gone, { score: 'wrong', minRows: 90 }).currentRows).toBe(90);
    expect(() => attributeChange(data, { kind: [] }, { score: 'wrong' })).toThrow(/the current data has no such column/);
    expect(() => attributeChange(data, data, { score: 'wrong', columns: ['kind', 'other'] })).toThrow(/columns\[1\] is "other", and the reference/);
  });
});
