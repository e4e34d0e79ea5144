import { DriftMonitor, MemoryStorage, profileData, type DriftAlert, type EstimateReport, type MonitorEstimateOptions, type Observation, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { confidenceEstimator, directLossEstimator, type ConfidenceEstimator } from 'modelkeep/stats';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { estimateJudgement } from '../../src/monitoring/estimates/estimate-options.ts';
import { cellsByVersion, VersionCells } from '../../src/stats/estimation/version-cells.ts';
import { readHead } from '../../src/storage/head-record.ts';
import type { MonitorState } from '../../src/monitoring/monitor-state.ts';
import { ManualClock } from '../pipelines/manual-clock.ts';
import { expectAtMostAlpha } from '../stats/profiles/false-alarms.ts';
import { Sampler } from './samples.ts';

const seed = 20261201;
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
const quick = { resamples: 60, bins: 30 };
const reference = profileData({ x: Float64Array.from({ length: 200 }, (_, i) => i / 40 - 2.5), score: Float64Array.from({ length: 200 }, (_, i) => i / 200) }, { prediction: 'score' });

/** A calibrated model, which is unsure where x is near 0. */
function drawRows(sampler: Sampler, n: number, deviation = 2): { x: Float64Array; scores: Float64Array; labels: number[] } {
  const x = sampler.normals(n, 0, deviation);
  return { x, scores: x.map(logistic), labels: Array.from(x, (value) => (sampler.random() < logistic(value) ? 1 : 0)) };
}

/** How often such a model is right, when x has that deviation. */
function accuracyAt(deviation: number): number {
  let [sum, mass] = [0, 0];
  for (let z = -8; z <= 8; z += 0.001) {
    const density = Math.exp((-z * z) / 2);
    sum += density * logistic(Math.abs(deviation * z));
    mass += density;
  }
  return sum / mass;
}

function estimatorOf(sampler: Sampler, n = 1000): ConfidenceEstimator {
  const { labels, scores } = drawRows(sampler, n);
  return confidenceEstimator(labels, scores, quick);
}

function monitorOn(storage: StorageAdapter, estimate: MonitorEstimateOptions, clock = new ManualClock()): DriftMonitor {
  return new DriftMonitor({ storage, name: 'm', reference, window: { every: '1m', grace: 0 }, clock, estimate });
}

async function estimateOf(monitor: DriftMonitor): Promise<EstimateReport> {
  return (await monitor.check()).estimate!;
}

describe('the performance that is estimated without labels', () => {
  it('is that of all rows of a window, and of each version, whichever process observed them, also after a restart', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-estimates-'));
    const sampler = new Sampler(seed);
    const estimator = estimatorOf(sampler);
    const rows = drawRows(sampler, 900);
    const versionOf = (i: number): string | undefined => (i % 3 === 2 ? undefined : String(i % 3));
    const clock = new ManualClock();
    const observe = (monitor: DriftMonitor, from: number, to: number): void => {
      for (let i = from; i < to; i++) monitor.observe({ features: { x: rows.x[i] }, prediction: rows.scores[i], version: versionOf(i) });
    };
    try {
      {
        await using storage = new FilesystemStorage(directory);
        const monitors = [monitorOn(storage, { metric: 'f1', min: 0.5, estimator }, clock), monitorOn(storage, { metric: 'f1', min: 0.5, estimator }, clock)];
        observe(monitors[0]!, 0, 300);
        observe(monitors[1]!, 300, 500);
        for (const monitor of monitors) await monitor.close();
      }
      await using storage = new FilesystemStorage(directory);
      await using again = await DriftMonitor.open({ storage, name: 'm', window: { every: '1m', grace: 0 }, clock, estimate: { metric: 'f1', min: 0.5 } });
      observe(again, 500, 900);
      await again.flush();
      clock.jump(60_000);
      const verdict = await again.check();
      const expected = (of: (i: number) => boolean): object => {
        const { f1, n, dropped, outside, warnings } = estimator.estimate(rows.scores.filter((_, i) => of(i)));
        return { status: 'held', ...f1, n, dropped, outside, warnings };
      };
      expect(verdict.window).toMatchObject({ rows: 900, complete: true });
      expect(verdict.estimate).toEqual({ metric: 'f1', ...expected(() => true), versions: { 0: expected((i) => i % 3 === 0), 1: expected((i) => i % 3 === 1) } });
      expect((await again.verdicts()).items.map(({ estimate }) => estimate)).toEqual([verdict.estimate]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('tells of a shift to where the model is less sure, as labels do later, and is resolved after it', async () => {
    const sampler = new Sampler(seed + 1);
    const estimator = estimatorOf(sampler);
    const clock = new ManualClock();
    const performance = { metric: 'accuracy', min: 0.7, maxLabelDelay: '1h' } as const;
    const classes = profileData({ x: [-1, 0, 1], late: [0, 1, 1] }, { prediction: 'late', kinds: { late: 'category' } });
    const estimate: MonitorEstimateOptions = { metric: 'accuracy', min: 0.7, estimator };
    await using monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'm', reference: classes, window: { every: '1m', grace: 0 }, clock, estimate, performance, alerts: { severity: { estimate: 'critical' } } });
    const told: DriftAlert[] = [];
    monitor.on('alert', (alert) => alert.kind === 'estimate' && told.push(alert));
    const found: EstimateReport[] = [];
    const starts: (number | undefined)[] = [];
    for (const [window, deviation] of [2, 0.3, 2].entries()) {
      const { x, scores, labels } = drawRows(sampler, 600, deviation);
      scores.forEach((score, i) => {
        monitor.observe({ id: `${window}/${i}`, features: { x: x[i] }, prediction: score >= 0.5 ? 1 : 0, scores: score });
        monitor.feedback({ id: `${window}/${i}`, label: labels[i]! });
      });
      await monitor.flush();
      clock.jump(60_000);
      const verdict = await monitor.check();
      found.push(verdict.estimate!);
      starts.push(verdict.window.start);
    }
    expect(found.map(({ status, warnings }) => [status, warnings])).toEqual([['held', []], ['violated', []], ['held', []]]);
    expect(told.map(({ status, severity, window, columns }) => [status, severity, window, columns])).toEqual([['firing', 'critical', 2, []], ['resolved', 'critical', 3, []]]);
    const { value, low, high } = found[1]!;
    const four = (number: number | null): number => Number(number!.toPrecision(4));
    expect(told[0]!.summary).toBe(`Monitor 'm': the estimated performance is out of bounds, accuracy ${four(value)} (${four(low)} to ${four(high)}, 600 rows) in window 2.`);
    // Windows and periods are the same minutes, so that both speak of the same rows.
    const realised = (await monitor.check()).performance!.open;
    expect(realised.map(({ start, status }) => [start, status])).toEqual(starts.map((start, i) => [start, i === 1 ? 'violated' : 'held']));
    realised.forEach((period, i) => {
      expect(period.value, `window ${i}, seed ${seed}`).toBeGreaterThanOrEqual(found[i]!.low!);
      expect(period.value, `window ${i}, seed ${seed}`).toBeLessThanOrEqual(found[i]!.high!);
    });
  });

  it('is called violated at its bound no more often than its confidence leaves, and nearly always where the accuracy fell by a tenth', async () => {
    const sampler = new Sampler(seed + 2);
    const [bound, fallen] = [accuracyAt(2), 0.9];
    expect(bound - accuracyAt(fallen)).toBeGreaterThan(0.1);
    const trials = 100;
    let [falsely, missed] = [0, 0];
    for (let trial = 0; trial < trials; trial++) {
      const { labels, scores } = drawRows(sampler, 500);
      const estimator = confidenceEstimator(labels, scores, { resamples: 100, bins: 25, seed: trial });
      const { judgement } = estimateJudgement({ metric: 'accuracy', min: bound, estimator }, 'estimate')!;
      const judge = await judgement.load();
      const statusOf = (deviation: number): string => {
        for (const score of drawRows(sampler, 400, deviation).scores) judgement.tally!.observe({ features: {}, prediction: score }, undefined, 0);
        const counts = { start: 0, late: 0, from: 0, to: 1, rows: 400, versions: [], columns: [], sent: [], sums: { [judgement.sums!]: judgement.tally!.take() } };
        return judge.judge({ reference, counts, complete: true }).status;
      };
      if (statusOf(2) === 'violated') falsely++;
      if (statusOf(fallen) === 'held') missed++;
    }
    expectAtMostAlpha(falsely, trials, 'an accuracy at its bound called violated', { alpha: 0.025, seed });
    expect(missed, `of ${trials}, seed ${seed}`).toBeLessThanOrEqual(6);
  });

  it('follows a regression to where its errors are larger', async () => {
    const sampler = new Sampler(seed + 3);
    const draw = (n: number, mean: number): { x: Float64Array; kind: string[]; labels: Float64Array; predictions: Float64Array } => {
      const x = sampler.normals(n, mean);
      return { x, kind: Array.from({ length: n }, () => 'ab'[Math.floor(sampler.random() * 2)]!), predictions: x, labels: x.map((value) => value + sampler.normal() * Math.exp(value / 2)) };
    };
    const before = draw(1500, 0);
    const estimator = directLossEstimator({ x: before.x, kind: before.kind }, before.labels, before.predictions, { rounds: 20 });
    const clock = new ManualClock();
    const storage = new MemoryStorage();
    const monitors = [1, 2].map(() => monitorOn(storage, { metric: 'mae', max: 1, estimator }, clock));
    const statuses: unknown[] = [];
    for (const mean of [0, 1.5]) {
      const { x, kind, predictions } = draw(500, mean);
      predictions.forEach((prediction, i) => monitors[i % 2]!.observe({ features: { x: x[i], kind: kind[i] }, prediction }));
      for (const monitor of monitors) await monitor.flush();
      clock.jump(60_000);
      const verdict = await monitors[0]!.check();
      const { mae, n } = estimator.estimate({ x, kind }, predictions);
      expect(verdict.estimate).toMatchObject({ ...mae, n, dropped: 0 });
      statuses.push(verdict.estimate!.status);
    }
    expect(statuses).toEqual(['held', 'violated']);
    const reopened = await DriftMonitor.open({ storage, name: 'm', window: { every: '1m' }, clock, estimate: { metric: 'rmse', max: 2 } });
    expect(await estimateOf(reopened)).toMatchObject({ metric: 'rmse', status: 'insufficient', n: 0 });
  });

  it('takes the features of a regression where the columns take them: from getters of a class too, and not what every object inherits', async () => {
    const sampler = new Sampler(seed + 10);
    const [x, constructor] = [sampler.normals(600), sampler.normals(600)];
    const labels = x.map((value) => value + sampler.normal() * Math.exp(value));
    const estimator = directLossEstimator({ x, constructor }, labels, x, { rounds: 10 });
    class Given {
      readonly #x: number;
      constructor(value: number) {
        this.#x = value;
      }
      get x(): number {
        return this.#x;
      }
    }
    await using monitor = monitorOn(new MemoryStorage(), { metric: 'mae', max: 10, estimator });
    for (const value of x) monitor.observe({ features: new Given(value) as unknown as Record<string, unknown>, prediction: value });
    expect(await estimateOf(monitor)).toMatchObject({ ...estimator.estimate({ x }, x).mae, n: 600 });
  });

  it('counts what it cannot use, and has nothing to say of too few rows or of none', async () => {
    const sampler = new Sampler(seed + 4);
    await using monitor = monitorOn(new MemoryStorage(), { metric: 'auc', min: 0.9, estimator: estimatorOf(sampler) });
    expect(await estimateOf(monitor)).toEqual({ metric: 'auc', status: 'insufficient', value: null, low: null, high: null, n: 0, dropped: 0, outside: 0, warnings: [], versions: {} });
    const features = { x: 0 };
    const odd: Observation[] = [{ features }, { features, prediction: NaN }, { features, prediction: null }, { features, prediction: 'late' }, { features, prediction: {} }, { features, prediction: 0.5, scores: [0.5] }];
    for (const observation of odd) monitor.observe(observation);
    // Who failed to answer cannot have answered wrongly.
    monitor.observe({ error: 'down' });
    monitor.observe({ features, error: 'down' });
    for (let i = 0; i < 49; i++) monitor.observe({ features, prediction: (i + 1) / 50, version: 1 });
    expect(await estimateOf(monitor)).toMatchObject({ status: 'insufficient', n: 49, dropped: odd.length, versions: { 1: { status: 'insufficient', n: 49, dropped: 0 } } });
    for (let i = 0; i < 100; i++) monitor.observe({ features, prediction: 1.5 });
    expect(await estimateOf(monitor)).toMatchObject({ status: 'held', n: 149, outside: 100 / 149, warnings: ['outside-reference'] });
  });

  it('estimates of several classes one of them, or their mean', async () => {
    const sampler = new Sampler(seed + 5);
    const classes = ['calm', 'rain', 'storm'];
    const draw = (): number[][] => Array.from({ length: 400 }, () => {
      const weights = [...sampler.normals(3)].map((value) => Math.exp(2 * value));
      return weights.map((weight) => weight / weights.reduce((sum, one) => sum + one, 0));
    });
    const before = draw();
    const labels = before.map((row) => {
      let left = sampler.random();
      return classes[row.findIndex((chance) => (left -= chance) < 0)] ?? 'storm';
    });
    const estimator = confidenceEstimator(labels, before, { ...quick, classes });
    const rows = draw();
    const whole = estimator.estimate(rows);
    for (const [positive, expected] of [['storm', whole.classes[2]!.recall], [undefined, whole.recall]] as const) {
      await using monitor = monitorOn(new MemoryStorage(), { metric: 'recall', min: 0.1, estimator, positive });
      for (const scores of rows) monitor.observe({ features: { x: 0 }, prediction: undefined, scores });
      expect(await estimateOf(monitor)).toMatchObject({ status: 'held', ...expected, n: 400 });
    }
  });

  it('loses no row of many classes and versions, however often it is stored between', async () => {
    const sampler = new Sampler(seed + 9);
    const classes = Array.from({ length: 10 }, (_, k) => `c${k}`);
    const draw = (n: number): number[][] => Array.from({ length: n }, () => {
      const weights = [...sampler.normals(classes.length)].map((value) => Math.exp(2 * value));
      return weights.map((weight) => weight / weights.reduce((sum, one) => sum + one, 0));
    });
    const before = draw(1500);
    const labels = before.map((row) => {
      let left = sampler.random();
      return classes[row.findIndex((chance) => (left -= chance) < 0)] ?? 'c9';
    });
    const estimator = confidenceEstimator(labels, before, { resamples: 50, classes });
    const rows = draw(2000);
    await using monitor = monitorOn(new MemoryStorage(), { metric: 'accuracy', min: 0.1, estimator });
    for (const [i, scores] of rows.entries()) {
      monitor.observe({ features: { x: 0 }, scores, version: i % 4 });
      if (i % 400 === 0) await monitor.flush();
    }
    const { n, value, versions } = await estimateOf(monitor);
    expect({ n, value }).toEqual({ n: 2000, value: estimator.estimate(rows).accuracy.value });
    const third = rows.filter((_, i) => i % 4 === 2);
    expect(versions['2']).toMatchObject({ n: 500, value: estimator.estimate(third).accuracy.value });
  });

  it('never adds what was counted for another estimator, and keeps each as long as it is in use', async () => {
    const sampler = new Sampler(seed + 6);
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const [old, newer] = [estimatorOf(sampler), estimatorOf(sampler)];
    const monitors = [old, newer].map((estimator) => monitorOn(storage, { metric: 'accuracy', min: 0.5, estimator }, clock));
    const stored = async (): Promise<string> => (await readHead<MonitorState>({ storage, key: 'monitors/m' }))!.estimator!;
    const kept: string[] = [];
    for (const monitor of monitors) {
      for (let i = 0; i < 100; i++) monitor.observe({ features: { x: 0 }, prediction: i / 100 });
      await monitor.flush();
      kept.push(await stored());
    }
    expect(await estimateOf(monitors[1]!)).toMatchObject({ n: 100 });
    expect(kept[0]).not.toBe(kept[1]);
    // Nothing names it now, so that it may be collected.
    const collected = kept[0] as `sha256:${string}`;
    await storage.deleteBlob(collected);
    monitors[0]!.observe({ features: { x: 0 }, prediction: 0.5 });
    await monitors[0]!.flush();
    expect(await stored()).toBe(collected);
    const opened = await DriftMonitor.open({ storage, name: 'm', window: { every: '1m', grace: 0 }, clock, estimate: { metric: 'accuracy', min: 0.5 } });
    expect(await estimateOf(opened)).toMatchObject({ n: 101 });
    // One that estimates nothing leaves it where it is.
    const plain = await DriftMonitor.open({ storage, name: 'm', window: { every: '1m', grace: 0 }, clock });
    plain.observe({ features: { x: 0 }, prediction: 0.5 });
    const verdict = await plain.check();
    expect('estimate' in verdict).toBe(false);
    expect(await stored()).toBe(collected);
  });

  it('tells ten versions apart, and takes others in when some are no longer used', () => {
    const estimator = estimatorOf(new Sampler(seed + 7));
    const tally = new VersionCells(estimator);
    const observe = (version: number, now: number): void => tally.count({ features: {}, prediction: 0.25 }, `v@${version}`, now);
    const rowsBy = (): [string | undefined, number][] => [...cellsByVersion(tally.take(), estimator.cells)].map(([version, cells]) => [version, cells.reduce((sum, count) => sum + count, 0)]);
    for (let version = 0; version < 25; version++) for (let i = 0; i < 3; i++) observe(version, version);
    expect(rowsBy()).toEqual([[undefined, 45], ...Array.from({ length: 10 }, (_, version) => [`v@${version}`, 3])]);
    observe(0, 3_600_000);
    observe(1, 3_600_000);
    observe(30, 3_600_002);
    observe(31, 3_600_002);
    expect(rowsBy()).toEqual([[undefined, 1], ['v@0', 1], ['v@1', 1], ['v@30', 1]]);
  });

  it('refuses what cannot be meant', () => {
    const sampler = new Sampler(seed + 8);
    const estimator = estimatorOf(sampler);
    const x = sampler.normals(300);
    const regression = directLossEstimator({ x }, x, x.map((value) => value / 2), { rounds: 5 });
    for (const [wrong, message] of [
      [{ metric: 'accuracy', min: 0.5 }, /estimator must be made by .* or be stored/],
      [{ metric: 'accuracy', estimator }, /neither min nor max/],
      [{ metric: 'accuracy', estimator, min: 2, max: 1 }, /no model could be between/],
      [{ metric: 'mae', estimator, max: 1 }, /is of a classifier, and estimates accuracy/],
      [{ metric: 'f1', estimator: regression, min: 1 }, /estimates mae, mse, rmse/],
      [{ metric: 'f1', estimator, min: 0.5, positive: 1 }, /score per class/],
      [{ metric: 'mae', estimator: regression, max: 1, positive: 1 }, /no classes/],
      [{ metric: 'f1', estimator: estimator.toJSON(), min: 0.5 }, /must be made by confidenceEstimator/],
    ] as const) {
      expect(() => monitorOn(new MemoryStorage(), wrong as never), String(message)).toThrow(message);
    }
    const several = confidenceEstimator(Array.from(x, (value) => (value > 0 ? 'a' : 'b')), Array.from(x, (value) => [logistic(value), logistic(-value)]), { ...quick, classes: ['a', 'b'] });
    expect(() => monitorOn(new MemoryStorage(), { metric: 'f1', estimator: several, min: 0.5, positive: 'c' })).toThrow(/classes of the estimator/);
    expect(() => monitorOn(new MemoryStorage(), { metric: 'accuracy', estimator: several, min: 0.5, positive: 'a' })).toThrow(/of all classes/);
  });
});
