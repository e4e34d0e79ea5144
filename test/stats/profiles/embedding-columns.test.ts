import { compareData, mergeProfiles, profileData, type ColumnDrift, type DataProfile, type EmbeddingProfile } from 'modelkeep';
import { describe, expect, it, test } from 'vitest';
import { EmbeddingCounter } from '../../../src/stats/profiles/embedding/embedding-counter.ts';
import { Sampler } from '../../monitoring/samples.ts';
import { expectBlocksToHold, expectFewAlarms } from './false-alarms.ts';

const seed = 20010622;
const alpha = 0.05;
const size = 24;

/** Vectors whose components go together: a few hidden causes, and noise. */
function vectors(sampler: Sampler, n: number, { shift = 0, spread = 1, dimensions = size } = {}): Float32Array[] {
  return Array.from({ length: n }, () => {
    const causes = sampler.normals(4);
    return Float32Array.from({ length: dimensions }, (_, k) => spread * (causes[k % 4]! * (1 + (k % 3)) + 0.5 * sampler.normal()) + (k % 5 === 0 ? shift : 0));
  });
}

function only(report: { readonly columns: readonly ColumnDrift[] }): ColumnDrift {
  const [column] = report.columns;
  if (column === undefined) throw new Error('The report has no column.');
  return column;
}

function embeddingOf({ columns: [column] }: DataProfile): EmbeddingProfile {
  if (column?.kind !== 'embedding') throw new Error(`The column is a ${column?.kind}.`);
  return column;
}

describe('a column of vectors', () => {
  it('is known by its values, and can be called otherwise', () => {
    const sampler = new Sampler(seed);
    const typed = vectors(sampler, 60);
    const plain = typed.map((vector) => Array.from(vector));
    const kindOf = (x: readonly unknown[], options = {}): string => profileData({ x }, options).columns[0]!.kind;
    expect(kindOf(typed)).toBe('embedding');
    expect(kindOf([null, ...plain])).toBe('embedding');
    expect(profileData({ x: typed })).toEqual(profileData({ x: plain }));
    expect(kindOf(plain.map((vector) => vector.slice(0, 3)))).toBe('category');
    expect(kindOf(plain.map((vector) => vector.slice(0, 3)), { kinds: { x: 'embedding' } })).toBe('embedding');
    expect(kindOf([...plain, [1, 2]])).toBe('category');
    expect(kindOf(plain, { kinds: { x: 'category' } })).toBe('category');
  });

  it('reads vectors of every form alike', () => {
    const sampler = new Sampler(seed);
    const reference = profileData({ x: Array.from({ length: 200 }, () => Float32Array.from(sampler.normals(12))) }).columns[0] as EmbeddingProfile;
    const odd = [[0, NaN], [3, Infinity], [0, 1e39], [5, -1e39], [1, 3e38], [2, -0]].map(([at, value]) => Float64Array.from({ length: 12 }, (_, k) => (k === at ? value! : k)));
    const vectors = [...Array.from({ length: 50 }, () => sampler.normals(12)), ...odd, Float64Array.from([NaN, ...new Array<number>(11).fill(Infinity)]), new Float64Array(11)];
    const [plain, ...typed] = [(vector: Float64Array) => [...vector], (vector: Float64Array) => vector, (vector: Float64Array) => Float32Array.from(vector)].map((form) => {
      const counter = new EmbeddingCounter(reference);
      for (const vector of vectors) counter.observe(form(vector));
      return counter.take();
    });
    expect(plain).toMatchObject({ rows: 58, nan: 1, mistyped: 5 });
    for (const each of typed) expect(each).toEqual(plain);
  });

  it('counts the mean, norms, what is missing, has NaN and is no vector of the length', () => {
    const x = [[3, 4, 0], [0, -4, 3], [3, 4, 0], [1, 2], 'text', [1, NaN, 2], [1, Infinity, 2], [], null];
    const { rows, missing, nan, mistyped, distinct, sums, scale, norms, projections } = embeddingOf(profileData({ x }, { kinds: { x: 'embedding' } }));
    expect({ rows, missing, nan, mistyped, distinct }).toEqual({ rows: 9, missing: 1, nan: 1, mistyped: 4, distinct: 2 });
    expect(sums.map((sum) => sum / scale / 3)).toEqual([2, 4 / 3, 1]);
    expect([norms.min, norms.max]).toEqual([5, 5]);
    expect(projections.map(({ counts }) => counts.reduce((sum, count) => sum + count, 0))).toEqual(Array(8).fill(3));
  });

  it('projects on directions that stay what they are', () => {
    // Frozen: a profile of today must mean the same to every later version.
    const { projections, seed: drawn } = embeddingOf(profileData({ x: [Float32Array.from({ length: 16 }, (_, k) => 2 ** -k)] }));
    expect(drawn).toBe(20_010_101);
    expect(projections.map(({ min }) => min)).toMatchInlineSnapshot(`
      [
        0.19716644287109375,
        0.13503265380859375,
        -0.45148468017578125,
        0.46047210693359375,
        0.47490692138671875,
        0.09636688232421875,
        -0.36289215087890625,
        0.30438995361328125,
      ]
    `);
  });

  it('is the same in parts, in any order and through JSON', () => {
    const sampler = new Sampler(seed + 1);
    const before = profileData({ x: vectors(sampler, 300) });
    const rows = [...vectors(sampler, 120, { spread: 300 }).map((vector) => Array.from(vector)), null, [1], 'none'];
    const part = (from: number, to: number): DataProfile => profileData({ x: rows.slice(from, to) }, { bins: JSON.parse(JSON.stringify(before)) });
    const parts = [part(0, 50), part(50, 51), part(51, rows.length)];
    expect(mergeProfiles(parts)).toEqual(part(0, rows.length));
    expect(mergeProfiles([...parts].reverse())).toEqual(part(0, rows.length));
    expect(mergeProfiles([parts[0]!, mergeProfiles(parts.slice(1))])).toEqual(part(0, rows.length));
    expect(() => mergeProfiles([before, profileData({ x: vectors(sampler, 300) })])).toThrow(/same bins/);
    for (const damage of [{ size: 3 }, { seed: -1 }, { scale: 0 }, { projections: [] }, { norms: null }]) {
      const damaged: unknown = { ...before, columns: [{ ...before.columns[0], ...damage }] };
      expect(() => compareData(damaged as DataProfile, before)).toThrow(/columns\[0\] is not the profile/);
    }
  });

  const changes: Record<string, [change: (sampler: Sampler) => unknown[], rule: string]> = {
    'moved by two deviations of a component': [(sampler) => vectors(sampler, 500, { shift: 4 }), 'projection'],
    'half as large': [(sampler) => vectors(sampler, 500, { spread: 0.5 }), 'norm|projection'],
    'of another length': [(sampler) => vectors(sampler, 500, { dimensions: 12 }), 'presence'],
    'missing in a third': [(sampler) => vectors(sampler, 500).map((vector) => (sampler.random() < 1 / 3 ? null : vector)), 'norm|projection'],
  };
  test.each(Object.entries(changes))('has drifted when it is %s, from rows and from a profile', (_, [change, rule]) => {
    const sampler = new Sampler(seed + 2);
    const before = { x: vectors(sampler, 2000) };
    const after = { x: change(sampler) };
    for (const report of [compareData(before, after), compareData(JSON.parse(JSON.stringify(profileData(before))), after)]) {
      expect(only(report)).toMatchObject({ kind: 'embedding', status: 'drifted', effect: { binRule: expect.stringMatching(rule) } });
      expect(only(report).reason).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  it('is compared by blocks of rows too', () => {
    const sampler = new Sampler(seed + 3);
    const sessions = (n: number): { session: string; x: number[] }[] => vectors(sampler, n).flatMap((vector, i) => Array.from({ length: 15 }, () => ({ session: `${n}/${i}`, x: Array.from(vector, (value) => value + 0.01 * sampler.normal()) })));
    const draw = (): { single: ColumnDrift; blocks: ColumnDrift } => {
      const sides = [sessions(14), sessions(12)] as const;
      return { single: compareData(...sides).columns[1]!, blocks: compareData(...sides, { blocks: { column: 'session', resamples: 99 } }).columns[1]! };
    };
    expectBlocksToHold(30, draw, { alpha, seed });
  });
});

describe('when nothing has changed', () => {
  test.each([
    [50, 50, 300],
    [60, 500, 80],
    [800, 800, 30],
  ])('vectors are significant at most as often as alpha says: %i and %i rows', (n, m, trials) => {
    const sampler = new Sampler(seed + n);
    expectFewAlarms(trials, () => only(compareData({ x: vectors(sampler, n) }, { x: vectors(sampler, m) })), { alpha, seed });
  });

  it('odd vectors get a verdict', () => {
    const odd: unknown[][] = [Array(60).fill([0, 0, 0]), Array(60).fill([1e38, -1e38, 3e38]), Array(60).fill([1e-40, 0, 0]), Array(60).fill(null), Array(60).fill('x'), Array(60).fill([]), [[1, 2, 3]], []];
    for (const before of odd) {
      for (const after of odd) {
        const report = compareData({ x: before }, { x: after }, { kinds: { x: 'embedding' } });
        const { status, reason } = only(report);
        expect(reason).not.toMatch(/NaN|undefined|Infinity/);
        if (before === after) expect(status).not.toBe('drifted');
        if (before.length < 30 || after.length < 30) expect(status).toBe('insufficient');
        expect(JSON.parse(JSON.stringify(report))).toEqual(report);
      }
    }
  });
});
