import { compareData, isModelkeepError, profileData } from 'modelkeep';
import { domainClassifier, reconstructionTest } from 'modelkeep/stats';
import { describe, expect, it, test } from 'vitest';
import { Sampler } from '../../monitoring/samples.ts';
import { expectAtMostAlpha } from '../profiles/false-alarms.ts';

const seed = 20010918;
const alpha = 0.05;

/** Five columns of one cause, and a text that has no part. */
function rows(sampler: Sampler, n: number, follows = 1): Record<string, ArrayLike<unknown>> {
  const cause = sampler.normals(n);
  const columns = Array.from({ length: 5 }, (_, k) => [`x${k}`, cause.map((value) => (k < 4 ? value : follows * value + Math.sqrt(1.25 - follows * follows) * sampler.normal()) + 0.5 * sampler.normal())] as const);
  return { ...Object.fromEntries(columns), name: sampler.categories(n, 4) };
}

describe('reconstructionTest', () => {
  test.each([
    [60, 30, 600],
    [200, 100, 300],
    [400, 1000, 100],
  ])('is significant at most as often as alpha says, and nearly so often: %i and %i rows', (n, m, trials) => {
    const sampler = new Sampler(seed + n);
    let significant = 0;
    for (let trial = 0; trial < trials; trial++) if (reconstructionTest(rows(sampler, n), rows(sampler, m)).pValue <= alpha) significant++;
    expectAtMostAlpha(significant, trials, 'significant', { alpha, seed });
    expect(significant).toBeGreaterThan(0.005 * trials);
  });

  it('finds a column that follows the others no longer, and says how far', () => {
    const sampler = new Sampler(seed + 1);
    let found = 0;
    for (let trial = 0; trial < 20; trial++) if (reconstructionTest(rows(sampler, 1000), rows(sampler, 400, 0)).status === 'drifted') found++;
    expect(found).toBeGreaterThanOrEqual(19);
    expect(reconstructionTest(rows(sampler, 1000), rows(sampler, 400, 0))).toMatchObject({ columns: ['x0', 'x1', 'x2', 'x3', 'x4'], fittedRows: 500, referenceRows: 500, currentRows: 400, components: 1, summary: expect.stringMatching(/further from .*Cliff's delta 0\.\d+/) });
  });

  it('leaves incomplete rows out, and judges nothing by too little', () => {
    const sampler = new Sampler(seed + 2);
    const before = rows(sampler, 200);
    const holes = { ...rows(sampler, 100), x0: Array.from({ length: 100 }, (_, i) => [null, NaN, Infinity, i][i % 4]) };
    expect(reconstructionTest(before, holes)).toMatchObject({ status: 'insufficient', pValue: 1, delta: null, currentRows: 25, summary: expect.stringContaining('25 complete current rows') });
    expect(reconstructionTest({ x0: before['x0']! }, before)).toMatchObject({ status: 'insufficient', columns: ['x0'] });
    expect(reconstructionTest({}, {})).toMatchObject({ status: 'insufficient' });
    const constant = { a: Array(100).fill(1), b: Array(100).fill(2) };
    expect(reconstructionTest(constant, constant)).toMatchObject({ status: 'stable', pValue: 1, delta: 0 });
  });

  it('refuses wrong options by name', () => {
    const data = rows(new Sampler(seed), 100);
    for (const [options, message] of [[{ columns: ['name'] }, /columns\[0\] is "name"/], [{ alpha: 2 }, /alpha/], [{ minDelta: -1 }, /minDelta/], [{ minRows: 5 }, /minRows/], [{ explained: 0 }, /explained/], [{ seed: -1 }, /seed/]] as const) {
      let thrown: unknown;
      try {
        reconstructionTest(data, data, options);
      } catch (error) {
        thrown = error;
      }
      expect(isModelkeepError(thrown, 'validation'), String(thrown)).toBe(true);
      expect((thrown as Error).message).toMatch(message);
    }
  });
});

describe('tests of all columns, through compareData', () => {
  const sampler = new Sampler(seed + 3);
  const before = rows(sampler, 600);
  const after = rows(sampler, 600, 0);

  it('are told by their names, beside columns that did not drift', () => {
    const report = compareData(before, after, { alpha: 0.04, multivariate: { domainClassifier, pca: reconstructionTest } });
    expect(report.drifted).toBe(false);
    expect(report.multivariate).toEqual({ domainClassifier: domainClassifier(before, after, { alpha: 0.02 }), pca: reconstructionTest(before, after, { alpha: 0.02 }) });
    expect(report.multivariate!['pca']!.status).toBe('drifted');
    const { multivariate, ...columns } = report;
    expect(columns).toEqual(compareData(before, after, { alpha: 0.04 }));
    expect(JSON.parse(JSON.stringify(multivariate))).toEqual(multivariate);
  });

  it('need rows, and are functions', () => {
    expect(() => compareData(profileData(before), after, { multivariate: { reconstructionTest } })).toThrow(/The reference is a profile, and tests of all columns at once need the rows of both sides; give rows, or leave out multivariate/);
    expect(() => compareData(before, after, { multivariate: { x: 1 } as never })).toThrow(/options\.multivariate/);
  });
});
