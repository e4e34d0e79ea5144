import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../../src/core/errors.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';
import { AdaptiveHistogram } from '../../../src/stats/sketches/adaptive-histogram.ts';
import { FixedHistogram } from '../../../src/stats/sketches/fixed-histogram.ts';
import { HyperLogLog } from '../../../src/stats/sketches/hyper-log-log.ts';
import { KllSketch } from '../../../src/stats/sketches/kll-sketch.ts';
import { Moments } from '../../../src/stats/sketches/moments.ts';
import { Reservoir } from '../../../src/stats/sketches/reservoir.ts';
import { TopK } from '../../../src/stats/sketches/top-k.ts';

const scalar = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.bigInt(), fc.integer({ min: 0, max: 5 }));

function upTo(sorted: Float64Array, x: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

describe('KllSketch', () => {
  it('keeps ranks within its error over seeds, orders and trees of merges', () => {
    const n = 20_000;
    for (let seed = 1; seed <= 4; seed++) {
      const generator = new SeededGenerator(seed);
      const uniform = Float64Array.from({ length: n }, () => generator.uniform());
      for (const values of [uniform, uniform.slice().sort(), uniform.slice().sort().reverse(), uniform.map((x) => Math.floor(20 * x))]) {
        const parts = Array.from({ length: 10 }, (_, i) => new KllSketch({ seed }).updateAll(values.subarray((i * n) / 10, ((i + 1) * n) / 10)));
        const chain = new KllSketch({ seed });
        for (const part of parts) chain.merge(part);
        while (parts.length > 1) parts.push(parts.shift()!.merge(parts.shift()!));
        const sorted = values.slice().sort();
        for (const sketch of [new KllSketch({ seed }).updateAll(values), chain, parts[0]!]) {
          expect([sketch.count, sketch.min, sketch.max]).toEqual([n, sorted[0], sorted[n - 1]]);
          expect(sketch.retained).toBeLessThan(800);
          for (let q = 0.02; q < 1; q += 0.02) {
            const x = sorted[Math.floor(q * n)]!;
            expect(Math.abs(sketch.rank(x) - upTo(sorted, x)) / n).toBeLessThan(sketch.rankError);
          }
        }
      }
    }
  });

  it('is exact at first, has infinities as extremes and leaves NaN out', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { minLength: 1, maxLength: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const sketch = new KllSketch().updateAll(values);
        const sorted = values.filter((x) => !Number.isNaN(x)).map((x) => x + 0).sort((a, b) => a - b);
        expect([sketch.exact, sketch.nan, sketch.rankError]).toEqual([true, values.length - sorted.length, 0]);
        expect(sketch.quantile(q)).toBe(sorted.length === 0 ? NaN : sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]);
        for (const x of sorted) expect(sketch.rank(x)).toBe(sorted.filter((y) => y <= x).length);
      }),
    );
  });

  it('goes on from a stored state bit by bit, one by one as at once', () => {
    const generator = new SeededGenerator(3);
    const values = Float64Array.from({ length: 9000 }, (_, i) => (i % 50 === 0 ? Infinity : generator.uniform()));
    const whole = new KllSketch({ k: 20 });
    let stored = new KllSketch({ k: 20 });
    for (let i = 0; i < values.length; i++) {
      whole.update(values[i]!);
      stored.update(values[i]!);
      if (i % 701 === 0) stored = KllSketch.fromJSON(JSON.parse(JSON.stringify(stored)));
    }
    expect(stored.toJSON()).toEqual(whole.toJSON());
    expect(new KllSketch({ k: 20 }).updateAll(values).toJSON()).toEqual(whole.toJSON());
    const before = JSON.stringify(stored);
    expect(new KllSketch({ k: 20 }).merge(stored).count).toBe(9000);
    expect(JSON.stringify(stored)).toBe(before);
    expect(stored.merge(stored).count).toBe(18_000);
    expect(KllSketch.fromJSON(JSON.parse(JSON.stringify(stored))).quantile(0.5)).toBe(stored.quantile(0.5));
    expect(() => stored.merge(new KllSketch())).toThrow(/k 20.*k 200/);
  });

  it('unites sketches as an empty one would that takes them in one by one, and goes on the same', () => {
    const generator = new SeededGenerator(4);
    const ofSize = (n: number): KllSketch => new KllSketch({ k: 20, seed: 9 }).updateAll(Float64Array.from({ length: n }, () => generator.uniform()));
    for (const sizes of [[0, 0], [3, 5], [19, 900], [900, 19], [5000, 4000, 77], [40]]) {
      const [first, ...others] = sizes.map(ofSize) as [KllSketch, ...KllSketch[]];
      const before = JSON.stringify([first, others]);
      const chain = [first, ...others].reduce((all, each) => all.merge(each), new KllSketch({ k: 20, seed: 9 }));
      const united = KllSketch.union(first, ...others);
      expect(united.toJSON()).toEqual(chain.toJSON());
      const more = Float64Array.from({ length: 333 }, () => generator.uniform());
      expect(united.updateAll(more).toJSON()).toEqual(chain.updateAll(more).toJSON());
      expect(JSON.stringify([first, others])).toBe(before);
    }
    expect(() => KllSketch.union(new KllSketch(), new TopK() as unknown as KllSketch)).toThrow(/KllSketch/);
    expect(() => KllSketch.union(new KllSketch(), new KllSketch({ k: 20 }))).toThrow(/k 200.*k 20/);
  });
});

describe('HyperLogLog', () => {
  it('is within five standard errors over the whole range, for all kinds of values', () => {
    const makers: ((i: number) => string | number | bigint | Uint8Array)[] = [(i) => i, (i) => i / 7, (i) => `user-${i}`, (i) => BigInt(i), (i) => Uint8Array.of(i, i >> 8, i >> 16), (i) => i * 2 ** 40];
    for (const make of makers) {
      const sketch = new HyperLogLog();
      for (let i = 1; i <= 50_000; i++) {
        sketch.update(make(i));
        if ([10, 100, 1000, 5000, 10_000, 20_000, 50_000].includes(i)) expect(Math.abs(sketch.estimate() / i - 1)).toBeLessThan(5 * sketch.standardError);
      }
    }
  });

  it('tells types apart, and what is equal it counts once', () => {
    const distinct = (...values: Parameters<HyperLogLog['update']>[0][]): number => Math.round(new HyperLogLog({ precision: 14 }).updateAll(values).estimate());
    expect(distinct(1, '1', true, 1n, Uint8Array.of(1), Uint8Array.of(49))).toBe(6);
    expect(distinct('', 'a', 'a\0', 'ab', 'abc', 'abcd', 'abcde')).toBe(7);
    expect(distinct(0, -0, NaN, -NaN, null, undefined)).toBe(2);
    expect(() => new HyperLogLog().update({} as unknown as string)).toThrow(ValidationError);
  });

  it('merges exactly in any order, through JSON or not', () => {
    fc.assert(
      fc.property(fc.array(scalar), fc.array(scalar), fc.array(scalar), (a, b, c) => {
        const of = (part: readonly (string | number | boolean | bigint)[]): HyperLogLog => HyperLogLog.fromJSON(JSON.parse(JSON.stringify(new HyperLogLog({ precision: 5 }).updateAll(part))));
        const expected = of([...a, ...b, ...c]).toJSON();
        expect(of(a).merge(of(b)).merge(of(c)).toJSON()).toEqual(expected);
        expect(HyperLogLog.union(of(c), of(b).merge(of(a))).toJSON()).toEqual(expected);
      }),
    );
    expect(() => new HyperLogLog().merge(new HyperLogLog({ precision: 5 }))).toThrow(/precision 12.*precision 5/);
  });
});

describe('TopK', () => {
  it('is exact, and merges exactly, while it holds all values', () => {
    fc.assert(
      fc.property(fc.array(scalar, { maxLength: 30 }), fc.array(scalar, { maxLength: 30 }), (a, b) => {
        const of = (part: typeof a): TopK => TopK.fromJSON(JSON.parse(JSON.stringify(new TopK().updateAll(part))));
        const all = of([...a, ...b]);
        expect(of(a).merge(of(b)).toJSON()).toEqual(all.toJSON());
        expect(of(b).merge(of(a)).toJSON()).toEqual(all.toJSON());
        const truth = new Map<unknown, number>();
        for (const value of [...a, ...b]) truth.set(value, (truth.get(value) ?? 0) + 1);
        for (const { value, count, high } of all.top().items) expect([count, high]).toEqual([truth.get(value), truth.get(value)]);
        expect([all.top().items.length, all.top().other, all.error]).toEqual([truth.size, 0, 0]);
      }),
    );
  });

  it('bounds every count, however the stream is split and merged', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.integer({ min: 0, max: 40 }).map((i) => Math.floor(i ** 2 / 40)), { maxLength: 200 }), { minLength: 1, maxLength: 6 }), (parts) => {
        const sketch = new TopK({ capacity: 10 });
        for (const part of parts) sketch.merge(new TopK({ capacity: 10 }).updateAll(part));
        const all = parts.flat();
        const { items, other, total } = sketch.top();
        expect(total).toBe(all.length);
        expect(sketch.error * 6).toBeLessThanOrEqual(other);
        for (let value = 0; value <= 40; value++) {
          const truth = all.filter((each) => each === value).length;
          const { count, high } = sketch.countOf(value);
          expect(count <= truth && truth <= high).toBe(true);
        }
        expect(items.reduce((sum, { count }) => sum + count, other)).toBe(total);
        expect(TopK.fromJSON(JSON.parse(JSON.stringify(sketch))).toJSON()).toEqual(sketch.toJSON());
      }),
    );
    expect(() => new TopK().update([] as unknown as string)).toThrow(ValidationError);
  });
});

describe('Reservoir', () => {
  it('is uniform, filled at once, one by one or by merging unequal parts and going on', () => {
    const n = 60;
    const rounds = 3000;
    const ways: ((seed: number) => Reservoir)[] = [
      (seed) => new Reservoir({ capacity: 6, seed }).updateAll(Array.from({ length: n }, (_, i) => i)),
      (seed) => {
        const part = (from: number, to: number, s: number): Reservoir => new Reservoir({ capacity: 6, seed: s }).updateAll(Array.from({ length: to - from }, (_, i) => from + i));
        const merged = part(0, 4, seed).merge(part(4, 30, seed + 100_000)).merge(part(30, 40, seed + 200_000));
        for (let i = 40; i < n; i++) merged.update(i);
        return merged;
      },
    ];
    for (const way of ways) {
      const counts = new Float64Array(n);
      for (let seed = 0; seed < rounds; seed++) for (const value of way(seed).sample()) counts[value as number]!++;
      const expected = (rounds * 6) / n;
      // The chi-squared of 59 degrees of freedom: 120 is beyond 1 - 1e-5.
      expect(counts.reduce((sum, count) => sum + (count - expected) ** 2 / (expected * 0.9), 0)).toBeLessThan(120);
    }
  });

  it('goes on from a stored state, one by one as at once, and holds subsets without repetition', () => {
    const values = Array.from({ length: 5000 }, (_, i) => i);
    const whole = new Reservoir({ capacity: 50, seed: 9 }).updateAll(values);
    let stored = new Reservoir({ capacity: 50, seed: 9 });
    for (const value of values) {
      stored.update(value);
      if (value % 333 === 0) stored = Reservoir.fromJSON(JSON.parse(JSON.stringify(stored)));
    }
    expect(stored.toJSON()).toEqual(whole.toJSON());
    expect(new Set(whole.sample()).size).toBe(50);
    expect(whole.merge(whole).count).toBe(10_000);
    const odd = new Reservoir({ capacity: 9 }).updateAll([NaN, -0, 1n, 'x', true, -Infinity]);
    expect(Reservoir.fromJSON(JSON.parse(JSON.stringify(odd))).sample()).toEqual([NaN, 0, 1n, 'x', true, -Infinity]);
  });
});

describe('stored states', () => {
  const numbers = Array.from({ length: 700 }, (_, i) => Math.sin(i));
  const kinds = [
    [Moments, new Moments().updateAll(numbers)],
    [KllSketch, new KllSketch({ k: 16 }).updateAll(numbers)],
    [HyperLogLog, new HyperLogLog({ precision: 4 }).updateAll(numbers)],
    [HyperLogLog, new HyperLogLog().updateAll([1, 2])],
    [TopK, new TopK({ capacity: 4 }).updateAll(numbers)],
    [FixedHistogram, new FixedHistogram([-1, 0, 1]).updateAll(numbers)],
    [AdaptiveHistogram, new AdaptiveHistogram({ maxBins: 8 }).updateAll(numbers)],
    [Reservoir, new Reservoir({ capacity: 5 }).updateAll(numbers)],
  ] as const;
  const rubbish = [null, undefined, -1, 0.5, NaN, 1e300, 2 ** 53, '', 'x', true, [], [null], [-1, 2], {}, { length: 3 }, ['NaN'], [[]], [['NaN']]];

  it('are refused with the field named, or work, whatever stands in a field', () => {
    for (const [Kind, sketch] of kinds) {
      const good = JSON.parse(JSON.stringify(sketch)) as Record<string, unknown>;
      expect(JSON.stringify(Kind.fromJSON(good))).toBe(JSON.stringify(sketch));
      for (const state of rubbish) expect(() => Kind.fromJSON(state)).toThrow(ValidationError);
      for (const field of Object.keys(good)) {
        const list = good[field];
        const spoilt = Array.isArray(list) ? [...rubbish, list.slice(1), [...(list as unknown[]), 1], ...rubbish.map((each) => [each, ...(list.slice(1) as unknown[])])] : rubbish;
        for (const value of spoilt) {
          const state = { ...good, [field]: value };
          try {
            const loaded = Kind.fromJSON(state);
            (loaded.updateAll as (values: number[]) => unknown)(numbers);
            Kind.fromJSON(JSON.parse(JSON.stringify(loaded)));
          } catch (error) {
            expect(error, `${Kind.name}.${field} = ${JSON.stringify(value)}`).toBeInstanceOf(ValidationError);
          }
        }
        const without = { ...good };
        delete without[field];
        expect(() => Kind.fromJSON(without), `${Kind.name} without ${field}`).toThrow(ValidationError);
      }
    }
  });

  it('do not merge with another kind, and options are frozen', () => {
    expect(() => new Moments().merge({} as unknown as Moments)).toThrow(/Moments/);
    expect(() => new TopK().merge(new KllSketch() as unknown as TopK)).toThrow(/TopK/);
    for (const sketch of [new KllSketch(), new TopK(), new HyperLogLog(), new Reservoir(), new AdaptiveHistogram()]) expect(Object.isFrozen(sketch.options)).toBe(true);
    for (const options of [{ k: 7 }, { k: 0.5 }, { seed: -1 }]) expect(() => new KllSketch(options)).toThrow(ValidationError);
    expect(() => new KllSketch().quantile(2)).toThrow(ValidationError);
  });
});
