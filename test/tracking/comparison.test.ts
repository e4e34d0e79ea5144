import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { spearmanCorrelation } from 'modelkeep/stats';
import { bestRun } from '../../src/tracking/comparison/best-run.ts';
import { compareRunDetails } from '../../src/tracking/comparison/compare-runs.ts';
import { guessDirection } from '../../src/tracking/comparison/metric-direction.ts';
import { parallelCoordinates } from '../../src/tracking/comparison/parallel-coordinates.ts';
import { paramImportance } from '../../src/tracking/comparison/param-importance.ts';
import { rankVariance } from '../../src/tracking/comparison/rank-variance.ts';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';
import { detailsOf, environmentOf, runWith } from './run-details.ts';

const directory = temporaryDirectories();

describe('a comparison of runs', () => {
  for (const [where, open] of [['memory', () => new MemoryStorage()], ['a directory', () => new FilesystemStorage(directory())]] as const) {
    it(`of ${where} says of each item what is the same, what differs and what is missing`, async () => {
      const storage = open();
      const ids: string[] = [];
      for (const [commit, lodash, lr, rows] of [['c1', '4.0.0', 0.1, [{ a: 1 }]], ['c2', '4.1.0', 0.2, [{ a: 1 }]]] as const) {
        const environment = environmentOf({ runtime: 'node', runtimeVersion: '22', code: { commit, branch: 'main' }, packages: { lodash, zod: '4.0.0' } });
        const tracker = new Tracker({ storage, environment });
        await tracker.withRun({ experiment: 'e', params: { lr, layers: [64, 32], ...(commit === 'c1' ? { only: 'one' } : {}) } }, async (run) => {
          run.setTags({ team: 'ops' });
          run.logMetrics({ loss: lr, nan: NaN }, { step: 1 });
          await run.logDataset({ name: `data of ${commit}`, role: 'training', rows });
          await run.logArtifact('same.txt', 'same');
          await run.logArtifact('commit.txt', commit);
          ids.push(run.id);
        });
      }
      const tracker = new Tracker({ storage });
      const details = await Promise.all(ids.map((id) => detailsOf(tracker, id)));
      const best = [0.01, 0.02].map((value) => ({ loss: { min: { step: 0, timestamp: 1, value }, max: { step: 1, timestamp: 2, value: 1 } } }));
      const comparison = compareRunDetails(details.map((each, i) => ({ ...each, best: best[i] })));
      const verdicts = (items: readonly { name: string; verdict: string }[]): unknown => Object.fromEntries(items.map(({ name, verdict }) => [name, verdict]));
      expect(comparison.runs.map(({ id }) => id)).toEqual(ids);
      expect(verdicts(comparison.params)).toEqual({ layers: 'same', lr: 'different', only: 'missing' });
      expect(comparison.params.find(({ name }) => name === 'only')!.values).toEqual(['one', undefined]);
      expect(verdicts(comparison.tags)).toEqual({ team: 'same' });
      expect(verdicts(comparison.metrics)).toEqual({ loss: 'different', nan: 'same' });
      const loss = comparison.metrics.find(({ name }) => name === 'loss')!;
      expect([loss.direction, loss.best.map((point) => point?.value), loss.values.map((point) => point?.value)]).toEqual(['min', [0.01, 0.02], [0.1, 0.2]]);
      expect(verdicts(comparison.datasets)).toEqual({ training: 'same' });
      expect(verdicts(comparison.code)).toEqual({ commit: 'different', branch: 'same' });
      expect(verdicts(comparison.environment)).toEqual({ runtime: 'same', runtimeVersion: 'same' });
      expect(verdicts(comparison.packages)).toEqual({ lodash: 'different', zod: 'same' });
      expect(verdicts(comparison.artifacts)).toEqual({ 'commit.txt': 'different', 'same.txt': 'same' });

      const differences = compareRunDetails(details, { only: 'differences', directions: { loss: 'max' } });
      expect([differences.params, differences.metrics, differences.code, differences.packages, differences.artifacts].map((items) => items.map(({ name }) => name))).toEqual([
        ['lr', 'only'],
        ['loss'],
        ['commit'],
        ['lodash'],
        ['commit.txt'],
      ]);
      expect(differences.metrics[0]!.direction).toBe('max');
      expect(differences.datasets).toEqual([]);
      await storage.close();
    });
  }

  it('refuses a single run and options that are none', () => {
    const one = { run: runWith('1', {}), datasets: [], artifacts: [], models: [] };
    expect(() => compareRunDetails([one])).toThrow('two runs');
    expect(() => compareRunDetails([one, one], { only: 'same' as 'all' })).toThrow('only');
    expect(() => compareRunDetails([one, one], { directions: { loss: 'down' as 'min' } })).toThrow("metric 'loss'");
  });

  it('guesses the direction from the last word of a name that says something', () => {
    for (const name of ['loss', 'val_loss', 'val/loss', 'trainLoss', 'rmse@10', 'error rate', 'accuracy error']) expect(guessDirection(name), name).toBe('min');
    for (const name of ['acc', 'val/AUC', 'f1', 'F1 score', 'top5Accuracy', 'loss/accuracy', 'ndcg10']) expect(guessDirection(name), name).toBe('max');
    for (const name of ['lr', 'epoch', 'system/cpu', 'x']) expect(guessDirection(name), name).toBeUndefined();
  });
});

describe('bestRun', () => {
  it('takes no NaN and no missing value, and of equals the one that started first', () => {
    const runs = [runWith('5', { loss: NaN }), runWith('4', { loss: 2 }), runWith('3', {}), runWith('2', { loss: 1 }), runWith('1', { loss: 1 })];
    expect(bestRun(runs, 'loss', 'min')).toMatchObject({ run: { id: '1' }, point: { value: 1 }, compared: 3, leftOut: 2 });
    expect(bestRun(runs, 'loss', 'max')).toMatchObject({ run: { id: '4' } });
    expect(bestRun([...runs, runWith('6', { loss: -Infinity })], 'loss', 'min')).toMatchObject({ run: { id: '6' } });
    expect(bestRun(runs, 'acc', 'max')).toBeUndefined();
    expect(bestRun(runs, 'toString', 'max')).toBeUndefined();
    expect(() => bestRun(runs, 'loss', 'up' as 'max')).toThrow('direction');
  });

  it('counts the best values over the history where they are given', () => {
    const point = { step: 3, timestamp: 1, value: 0.5 };
    const best = new Map([['4', { loss: { min: point, max: point } }]]);
    expect(bestRun([runWith('4', { loss: 2 }), runWith('1', { loss: 1 })], 'loss', 'min', { best })).toMatchObject({ run: { id: '4' }, point, compared: 1, leftOut: 1 });
  });
});

describe('parallel coordinates', () => {
  it('have numeric axes with their range, categories with their levels, and JSON can hold them', () => {
    const runs = [
      runWith('1', { params: { lr: 0.001, depth: '3', optimizer: 'sgd', wide: true }, loss: 1 }),
      runWith('2', { params: { lr: 1, depth: '10', optimizer: 'adam' }, loss: NaN }),
      runWith('3', { params: { lr: 0.1, optimizer: 'sgd' } }),
    ];
    const plot = parallelCoordinates(runs);
    expect(plot.axes).toEqual([
      { of: 'param', name: 'lr', kind: 'number', min: 0.001, max: 1, log: true },
      { of: 'param', name: 'depth', kind: 'number', min: 3, max: 10, log: false },
      { of: 'param', name: 'optimizer', kind: 'category', levels: ['adam', 'sgd'] },
      { of: 'param', name: 'wide', kind: 'category', levels: ['true'] },
      { of: 'metric', name: 'loss', kind: 'number', min: 1, max: 1, log: false },
    ]);
    expect(plot.lines.map(({ values }) => values)).toEqual([[0.001, 3, 1, 0, 1], [1, 10, 0, null, null], [0.1, null, 1, null, null]]);
    expect(JSON.parse(JSON.stringify(plot))).toEqual(plot);
    expect(parallelCoordinates(runs, { params: ['lr'], metrics: [] }).axes.map(({ name }) => name)).toEqual(['lr']);
    expect(parallelCoordinates([])).toEqual({ axes: [], lines: [] });
    expect(() => parallelCoordinates(runs, { params: 'lr' as unknown as string[] })).toThrow('params');
  });
});

describe('param importance', () => {
  const runs = Array.from({ length: 24 }, (_, i) =>
    runWith(String(i + 1), { params: { lr: i / 10, optimizer: i % 2 === 0 ? 'adam' : 'sgd', noise: (i * 7) % 5, fixed: 1, id: `run ${i}` }, loss: i + (i % 2) * 0.5 }),
  );

  it('puts the param first that explains the metric, with n, and says what cannot be judged', () => {
    const { params, notJudged, n, leftOut } = paramImportance([...runs, runWith('99', { params: { lr: 1 }, loss: NaN })], 'loss');
    expect([n, leftOut]).toEqual([24, 1]);
    expect(params.map(({ param }) => param)).toEqual(['lr', expect.any(String), expect.any(String)]);
    expect(params[0]).toMatchObject({ measure: 'spearman', coefficient: 1, strength: 1, n: 24, levels: 24 });
    expect(params[0]!.pValue).toBeLessThan(1e-10);
    expect(params.every(({ pValue, adjustedPValue }) => adjustedPValue >= pValue)).toBe(true);
    expect(notJudged.map(({ param }) => param).sort()).toEqual(['fixed', 'id']);
    expect(params.every(({ caution }) => caution === undefined)).toBe(true);
  });

  it('warns of few runs', () => {
    expect(paramImportance(runs.slice(0, 5), 'loss').params.find(({ param }) => param === 'lr')!.caution).toContain('5 runs');
    expect(paramImportance(runs.slice(0, 2), 'loss').notJudged.map(({ reason }) => reason)[0]).toContain('at least 3');
    expect(paramImportance([], 'loss')).toEqual({ metric: 'loss', n: 0, leftOut: 0, params: [], notJudged: [] });
  });

  it('judges two categories as Spearman does 0 and 1', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 9 })), { minLength: 5, maxLength: 30 }), (rows) => {
        const values = Float64Array.from(rows, ([, value]) => value);
        const judged = rankVariance(values, rows.map(([group]) => String(group)));
        const { statistic, pValue } = spearmanCorrelation(rows.map(([group]) => Number(group)), values, { method: 't' });
        expect(Math.sqrt(judged.share)).toBeCloseTo(Math.abs(statistic), 9);
        expect(judged.pValue).toBeCloseTo(pValue, 9);
      }),
      { numRuns: 200, seed: 8 },
    );
  });

  it('has the H of Kruskal and Wallis that a textbook prints', () => {
    const groups = [[2.9, 3.0, 2.5, 2.6, 3.2], [3.8, 2.7, 4.0, 2.4], [2.8, 3.4, 3.7, 2.2, 2.0]];
    const { statistic, groups: k } = rankVariance(Float64Array.from(groups.flat()), groups.flatMap((group, i) => group.map(() => String(i))));
    // Hollander & Wolfe (1973), table 6.1: H = 0.77143.
    expect(statistic).toBeCloseTo(0.771_428_571_43, 9);
    expect(k).toBe(3);
  });
});
