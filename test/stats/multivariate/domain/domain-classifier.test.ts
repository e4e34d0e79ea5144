import { isModelkeepError } from 'modelkeep';
import { domainClassifier, rocAuc } from 'modelkeep/stats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededGenerator } from '../../../../src/stats/seeded-generator.ts';
import { expectAtMostAlpha } from '../../profiles/false-alarms.ts';

/** Small and quick, where only the rules of judging are looked at. */
const quick = { rounds: 8, depth: 2, folds: 4 };

function drawing(seed: number): { normal: () => number; below: (size: number) => number; rows: (count: number, row: () => object) => object[] } {
  const generator = new SeededGenerator(seed);
  const normal = (): number => Array.from({ length: 12 }, () => generator.uniform()).reduce((sum, value) => sum + value, -6);
  return { normal, below: (size) => generator.below(size), rows: (count, row) => Array.from({ length: count }, row) };
}

describe('domainClassifier', () => {
  it('cries wolf no more often than it says, in samples of any balance', () => {
    const draw = drawing(11);
    const row = (): object => ({ x: draw.normal(), tied: draw.below(3), city: 'abcdefghij'[draw.below(10)], gone: draw.below(2) === 0 ? null : draw.normal(), note: `${draw.below(9)} and ${draw.below(9)} of ${draw.below(99)}` });
    let trials = 0;
    let alarms = 0;
    for (const [n, m] of [[50, 50], [120, 60], [60, 180]] as const) {
      for (let seed = 0; seed < 30; seed++) {
        trials++;
        if (domainClassifier(draw.rows(n, row), draw.rows(m, row), { ...quick, seed, minAuc: 0.5 }).pValue <= 0.05) alarms++;
      }
    }
    expectAtMostAlpha(alarms, trials, 'samples that are alike', { alpha: 0.05, seed: 11 });
    expect(alarms, 'p-values that are never small would be no test').toBeGreaterThan(0);
  });

  it('sees that two columns no longer go together, though each is as it was; with one question a tree it cannot', () => {
    const draw = drawing(12);
    const before = draw.rows(900, () => ({ x: draw.normal(), y: draw.normal() }));
    const after = draw.rows(900, () => {
      const x = draw.normal();
      return { x, y: 0.8 * x + 0.6 * draw.normal() };
    });
    const found = domainClassifier(before, after);
    expect(found.status).toBe('drifted');
    expect(found.low).toBeGreaterThan(0.55);
    expect(found.columns.map(({ importance }) => importance).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
    expect(domainClassifier(before, after, { depth: 1 }).status).toBe('stable');
  });

  it.each([
    ['numbers', (draw: ReturnType<typeof drawing>, moved: boolean) => draw.normal() + (moved ? 1 : 0)],
    ['categories', (draw: ReturnType<typeof drawing>, moved: boolean) => 'abcdefgh'[draw.below(moved ? 4 : 8)]],
    ['what is missing', (draw: ReturnType<typeof drawing>, moved: boolean) => (draw.below(10) < (moved ? 5 : 1) ? null : draw.normal())],
    ['truth values', (draw: ReturnType<typeof drawing>, moved: boolean) => draw.below(10) < (moved ? 8 : 3)],
    ['vectors', (draw: ReturnType<typeof drawing>, moved: boolean) => Float32Array.of(draw.normal(), draw.normal() * (moved ? 3 : 1), draw.normal())],
    ['infinite values', (draw: ReturnType<typeof drawing>, moved: boolean) => (draw.below(10) < (moved ? 5 : 1) ? Infinity : draw.normal())],
  ] as const)('finds the column that has changed among others: %s', (_, valueOf) => {
    const draw = drawing(13);
    const side = (moved: boolean): object[] => draw.rows(300, () => ({ other: draw.normal(), changed: valueOf(draw, moved), kind: 'xyz'[draw.below(3)] }));
    const found = domainClassifier(side(false), side(true), { rounds: 20 });
    expect(found.status).toBe('drifted');
    expect(found.columns[0]!.name).toBe('changed');
    expect(found.columns[0]!.importance).toBeGreaterThan(0.5);
    expect(found.summary).toMatch(/tells the sides apart with an AUC of .* most by changed \(/);
  });

  it('reads texts by their words and their length', () => {
    const draw = drawing(18);
    const words = ['Delay', 'gate', 'weather', 'crew', 'late', 'Frühling', '遅延', 'the', 'a', 'of'];
    const text = (vocabulary: readonly string[], length: number): string => Array.from({ length: length + draw.below(4) }, () => vocabulary[draw.below(vocabulary.length)]).join(draw.below(2) === 0 ? ' ' : ', ');
    const side = (vocabulary: readonly string[], length: number): object[] => draw.rows(250, () => ({ note: draw.below(9) === 0 ? null : text(vocabulary, length), x: draw.normal(), id: `flight${draw.below(1e6)}` }));
    expect(domainClassifier(side(words, 6), side(words, 6), { rounds: 20 }).status).toBe('stable');
    for (const found of [domainClassifier(side(words, 6), side([...words.slice(1), 'strike'], 6), { rounds: 20 }), domainClassifier(side(words, 6), side(words, 9), { rounds: 20 })]) {
      expect([found.status, found.columns[0]!.name, found.columns[0]!.importance > 0.8]).toEqual(['drifted', 'note', true]);
    }
  });

  it('is sure of sides that have nothing in common', () => {
    const { auc, low, high, pValue, status } = domainClassifier({ x: Array.from({ length: 100 }, (_, i) => i) }, { x: Array.from({ length: 100 }, (_, i) => 1000 + i) });
    expect([auc, high, status]).toEqual([1, 1, 'drifted']);
    expect(low).toBe(rocAuc([...new Array(100).fill(0), ...new Array(100).fill(1)], Array.from({ length: 200 }, (_, i) => i)).low);
    expect(pValue).toBeLessThan(1e-12);
  });

  it('judges a difference by its size too', () => {
    const draw = drawing(14);
    const side = (shift: number): object[] => draw.rows(3000, () => ({ x: draw.normal() + shift }));
    const [before, after] = [side(0), side(0.12)];
    const found = domainClassifier(before, after, { ...quick, minAuc: 0.6 });
    expect([found.status, found.pValue < 0.001]).toEqual(['stable', true]);
    expect(found.summary).toContain('not surely by more than the AUC of 0.6');
    expect(domainClassifier(before, after, { ...quick, minAuc: 0.5 }).status).toBe('drifted');
  });

  it('leaves out what always moves on and what a side lacks, and says so', () => {
    const draw = drawing(15);
    const before = draw.rows(60, () => ({ x: draw.normal(), at: new Date(0), old: 1 }));
    const after = draw.rows(60, () => ({ x: draw.normal(), at: new Date(1e12), fresh: 1 }));
    const found = domainClassifier(before, after, quick);
    expect(found.leftOut).toEqual([['at', 'a point in time'], ['old', 'not in the current data'], ['fresh', 'not in the reference']]);
    expect(found.columns.map(({ name }) => name)).toEqual(['x']);
    expect(domainClassifier(before, after, { ...quick, columns: ['at'] })).toMatchObject({ status: 'insufficient', auc: null, pValue: 1, summary: expect.stringContaining('no column that both sides have') });
  });

  it('leaves out vectors that are of another length on the other side', () => {
    const vectors = (length: number): object => ({ e: Array.from({ length: 60 }, (_, i) => new Float32Array(length).fill(i)), x: Array.from({ length: 60 }, (_, i) => i) });
    expect(domainClassifier(vectors(2) as never, vectors(3) as never, quick).leftOut).toEqual([['e', 'not vectors of one length']]);
  });

  it('takes a sample of many rows, the same for one seed', () => {
    const draw = drawing(16);
    const [before, after] = [draw.rows(400, () => ({ x: draw.normal() })), draw.rows(90, () => ({ x: draw.normal() }))];
    const found = domainClassifier(before, after, { ...quick, maxRows: 120, seed: 5 });
    expect(found).toMatchObject({ referenceRows: 120, currentRows: 90, available: [400, 90] });
    expect(domainClassifier(before, after, { ...quick, maxRows: 120, seed: 5 })).toEqual(found);
    expect(domainClassifier(before, after, { ...quick, maxRows: 120, seed: 6 })).not.toEqual(found);
  });

  it('judges nothing by a few rows', () => {
    const rows = (count: number): object => ({ x: Array.from({ length: count }, (_, i) => i) });
    expect(domainClassifier(rows(49) as never, rows(90) as never)).toMatchObject({ status: 'insufficient', low: null, summary: 'the reference has 49 rows, at least 50 are needed' });
    expect(domainClassifier(rows(90) as never, rows(1) as never)).toMatchObject({ status: 'insufficient', summary: 'there is 1 current row, at least 50 are needed' });
    expect(domainClassifier({}, []).status).toBe('insufficient');
  });

  it('gives a sound verdict on whatever is in the columns', () => {
    const value = fc.oneof(fc.constantFrom(null, NaN, Infinity, -Infinity, 0, -0, 1, Number.MAX_VALUE, true, '', '__proto__', 5n, [1, 2], [1], { a: 1 }), fc.double(), fc.string());
    const column = fc.tuple(fc.array(value, { minLength: 1, maxLength: 5 }), fc.integer({ min: 15, max: 70 })).map(([values, rows]) => Array.from({ length: rows }, (_, i) => values[i % values.length]));
    fc.assert(
      fc.property(column, column, (before, after) => {
        const found = domainClassifier({ x: before, ['__proto__']: before.map((_, i) => i % 2) }, { x: after }, { ...quick, rounds: 2, minRows: 20 });
        expect(JSON.parse(JSON.stringify(found))).toEqual(found);
        expect(found.pValue).toBeGreaterThanOrEqual(0);
        expect(found.pValue).toBeLessThanOrEqual(1);
        if (Math.min(before.length, after.length) < 20) expect(found.status).toBe('insufficient');
        if (found.status !== 'insufficient') expect([found.low! <= found.auc!, found.auc! <= found.high!]).toEqual([true, true]);
      }),
      { seed: 17, numRuns: 100 },
    );
  });

  it('names what is wrong with its options', () => {
    const data = { x: [1, 2, 3] };
    for (const [options, word] of [[{ columns: ['y'] }, 'columns[0]'], [{ minAuc: 0.4 }, 'minAuc'], [{ depth: 0 }, 'depth'], [{ folds: 1 }, 'folds'], [{ rounds: 0.5 }, 'rounds'], [{ maxRows: 3 }, 'maxRows'], [{ seed: -1 }, 'seed'], [{ alpha: 1 }, 'alpha']] as const) {
      let error: unknown;
      try {
        domainClassifier(data, data, options);
      } catch (thrown) {
        error = thrown;
      }
      expect(isModelkeepError(error) && error.code).toBe('validation');
      expect((error as Error).message).toContain(word);
    }
  });
});
