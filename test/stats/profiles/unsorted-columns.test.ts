import { compareData, profileData, type NumberProfile } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { Sampler } from '../../monitoring/samples.ts';

const seed = 20261130;
const rows = 12_000;
/** Keeping every number makes the comparison put both sides in order. */
const inOrder = { sample: 1_000_000 };

type Draw = (sampler: Sampler, moved: number) => number | null;

const shapes: Readonly<Record<string, Draw>> = {
  smooth: (sampler, moved) => sampler.normal() + moved,
  'far from zero': (sampler, moved) => 1.7e12 + Math.floor(3e10 * sampler.random() * (1 + moved)),
  'at every scale, of both signs': (sampler, moved) => Math.exp(80 * (sampler.random() - 0.5) + moved) * (sampler.random() < 0.5 ? 1 : -1),
  'two narrow heaps': (sampler, moved) => (sampler.random() < 0.5 ? 1e9 : 2e9) + 1e-6 * (sampler.random() + moved),
  'few whole numbers': (sampler, moved) => Math.floor(24 * sampler.random() + 3 * moved),
  amounts: (sampler, moved) => Math.round(100 * Math.exp(sampler.normal() + moved)) / 100,
  'mostly zeros of both signs': (sampler, moved) => (sampler.random() < 0.7 ? (sampler.random() < 0.5 ? 0 : -0) : sampler.normal() + moved),
  constant: () => 3,
  'subnormal and largest': (sampler) => [5e-324, -5e-324, 1e-310, Number.MAX_VALUE, -Number.MAX_VALUE, 0][Math.floor(6 * sampler.random())]!,
  'with infinities and holes': (sampler, moved) => [NaN, Infinity, -Infinity, null][Math.floor(30 * sampler.random())] ?? (sampler.random() < 0.02 ? null : sampler.normal() + moved),
  infinite: (sampler) => (sampler.random() < 0.4 ? Infinity : -Infinity),
};

/** The largest distance of two distribution functions, as its definition has it. */
function distanceOf(x: readonly number[], y: readonly number[]): number {
  const [first, second] = [x, y].map((side) => Float64Array.from(side).sort()) as [Float64Array, Float64Array];
  let [i, j, reach] = [0, 0, 0];
  while (i < first.length && j < second.length) {
    const value = Math.min(first[i]!, second[j]!);
    while (first[i]! <= value) i++;
    while (second[j]! <= value) j++;
    reach = Math.max(reach, Math.abs(i * second.length - j * first.length));
  }
  return reach / (first.length * second.length);
}

describe(`numbers that are not put in order (seed ${seed})`, () => {
  it.each(Object.entries(shapes))('%s are judged as in order, to the last bit', (_, draw) => {
    const sampler = new Sampler(seed);
    const side = (n: number, moved: number): (number | null)[] => Array.from({ length: n }, () => draw(sampler, moved));
    const reference = side(rows, 0);
    for (const current of [side(rows, 0), side(rows + 1, 0.1), side(rows, 5), side(400, 0.1)]) {
      const report = compareData({ x: reference }, { x: current });
      expect(report).toEqual(compareData({ x: reference }, { x: current }, inOrder));
      const numbers = [reference, current].map((values) => values.filter((value) => value !== null && !Number.isNaN(value))) as [number[], number[]];
      expect(report.columns[0]!.tests.find(({ of }) => of === 'values')?.statistic).toBe(distanceOf(...numbers));
    }
  });

  it.each(Object.entries(shapes))('%s are profiled as one by one', (_, draw) => {
    const sampler = new Sampler(seed + 1);
    const x = Array.from({ length: rows }, () => draw(sampler, 0.05));
    const reference = profileData({ x: Array.from({ length: rows }, () => draw(sampler, 0)) });
    const [{ edges, counts, min, max }] = profileData({ x }, { bins: reference }).columns as [NumberProfile];
    const finite = x.filter((value) => Number.isFinite(value)) as number[];
    const expected = counts.map(() => 0);
    for (const value of finite) expected[edges.filter((edge) => edge <= value).length]!++;
    expect(counts).toEqual(expected);
    expect([min, max]).toEqual(finite.length === 0 ? [null, null] : [finite.reduce((a, b) => Math.min(a, b)), finite.reduce((a, b) => Math.max(a, b))].map((value) => value + 0));
  });

  it('leaves what it was given as it was', () => {
    const sampler = new Sampler(seed + 2);
    const [before, after] = [sampler.normals(rows), sampler.normals(rows, 0.1)] as const;
    const copies = [before.slice(), after.slice()];
    compareData({ x: before }, { x: after });
    expect([before, after].map((values, i) => values.every((value, row) => value === copies[i]![row]))).toEqual([true, true]);
  });

  it('judges truth values as the texts of them', () => {
    const sampler = new Sampler(seed + 3);
    const values = (often: number): (boolean | null)[] => Array.from({ length: 2000 }, () => (sampler.random() < 0.05 ? null : sampler.random() < often));
    const textsOf = (side: readonly (boolean | null)[]): (string | null)[] => side.map((value) => value === null ? null : String(value));
    const kinds = { x: 'category' } as const;
    for (const [before, after] of [[values(0.1), values(0.2)], [values(0), values(1)], [values(1), values(0.5)]] as const) {
      expect(compareData({ x: before }, { x: after })).toEqual(compareData({ x: textsOf(before) }, { x: textsOf(after) }, { kinds }));
    }
  });
});
