import { ConfidenceEstimator, confidenceEstimator, estimatedPerformance, isotonicRegression, rocAuc, type ConfidenceEstimate } from 'modelkeep/stats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Sampler } from '../../monitoring/samples.ts';
import { expectAtMostAlpha } from '../profiles/false-alarms.ts';

const seed = 20261129;
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
/** Few simulations: for what does not look at the intervals. */
const quick = { resamples: 50 };

interface Rows {
  readonly scores: Float64Array;
  readonly labels: number[];
}

/** Scores that are far from calibrated, and labels whose chances rise with them; the inputs lie about `mean`. */
function drawRows(sampler: Sampler, n: number, mean = 0, deviation = 1): Rows {
  const x = sampler.normals(n, mean, deviation);
  return { scores: x.map((value) => logistic(0.5 * value + 0.3)), labels: Array.from(x, (value) => (sampler.random() < logistic(1.5 * value - 0.5) ? 1 : 0)) };
}

const metrics = ['accuracy', 'precision', 'recall', 'specificity', 'f1', 'rocAuc'] as const;

function realised({ scores, labels }: Rows, threshold: number): Record<(typeof metrics)[number], number> {
  const count = (label: number, guess: boolean): number => labels.filter((one, i) => one === label && scores[i]! >= threshold === guess).length;
  const [tp, fp, fn, tn] = [count(1, true), count(0, true), count(1, false), count(0, false)];
  return { accuracy: (tp + tn) / labels.length, precision: tp / (tp + fp), recall: tp / (tp + fn), specificity: tn / (tn + fp), f1: tp / (tp + (fp + fn) / 2), rocAuc: rocAuc(labels, scores).value };
}

describe('confidenceEstimator', () => {
  it('covers what the labels show as often as it says, when the inputs have moved', () => {
    const sampler = new Sampler(seed);
    const missed = new Map(metrics.map((metric) => [metric, 0]));
    let trials = 0;
    for (const [reference, n, mean, deviation] of [[300, 200, 0, 1], [400, 1500, 0.7, 1], [1500, 300, -0.7, 1.5]] as const) {
      for (let trial = 0; trial < 20; trial++, trials++) {
        const before = drawRows(sampler, reference);
        const rows = drawRows(sampler, n, mean, deviation);
        const estimate = confidenceEstimator(before.labels, before.scores, { threshold: 0.6, resamples: 150, bins: 40, seed: trial }).estimate(rows.scores);
        const truth = realised(rows, 0.6);
        for (const metric of metrics) {
          const { low, high } = estimate[metric];
          if (truth[metric] < low! || truth[metric] > high!) missed.set(metric, missed.get(metric)! + 1);
        }
      }
    }
    for (const [metric, misses] of missed) expectAtMostAlpha(misses, trials, `${metric} outside of its interval`, { alpha: 0.05, seed });
  });

  it('follows a shift to where the model is less sure, which the reference alone does not tell', () => {
    const sampler = new Sampler(seed + 1);
    const before = drawRows(sampler, 4000);
    const rows = drawRows(sampler, 4000, 0.4, 0.4);
    const { accuracy } = confidenceEstimator(before.labels, before.scores, { threshold: 0.6, ...quick }).estimate(rows.scores);
    const truth = realised(rows, 0.6).accuracy;
    expect(Math.abs(accuracy.value! - truth)).toBeLessThan(0.025);
    expect(realised(before, 0.6).accuracy - truth).toBeGreaterThan(0.08);
  });

  it('estimates of the reference what its labels show', () => {
    const rows = drawRows(new Sampler(seed + 2), 700);
    const predictions = Array.from(rows.scores, (score) => (score >= 0.6 ? 1 : 0));
    const estimate = confidenceEstimator(rows.labels, rows.scores, { predictions, ...quick }).estimate(rows.scores, { predictions });
    const { rocAuc: area, ...truth } = realised(rows, 0.6);
    for (const [metric, value] of Object.entries(truth)) expect(estimate[metric as 'f1'].value, metric).toBeCloseTo(value, 12);
    // Isotonic regression fits the order of scores too, so that its area is somewhat too large.
    expect(Math.abs(estimate.rocAuc.value! - area)).toBeLessThan(0.02);
  });

  it('agrees with estimatedPerformance of probabilities calibrated by isotonicRegression, where scores are few', () => {
    const sampler = new Sampler(seed + 3);
    const draw = (n: number): Rows => {
      const scores = sampler.whole(n, 20).map((score) => score / 20);
      return { scores, labels: Array.from(scores, (score) => (sampler.random() < score ** 2 ? 1 : 0)) };
    };
    const [before, rows] = [draw(800), draw(300)];
    const calibrated = isotonicRegression(before.scores, before.labels).predictAll(rows.scores);
    const expected = estimatedPerformance(calibrated, { threshold: 0.5 }, { scores: rows.scores });
    const found = confidenceEstimator(before.labels, before.scores, quick).estimate(rows.scores);
    for (const metric of metrics) expect(found[metric].value, metric).toBeCloseTo(expected[metric], 10);
  });

  it('warns of scores whose chances do not rise, and seldom of others', () => {
    const sampler = new Sampler(seed + 4);
    let alarms = 0;
    for (let trial = 0; trial < 40; trial++) {
      const { labels, scores } = drawRows(sampler, 400);
      if (confidenceEstimator(labels, scores, { ...quick, bins: 30, seed: trial }).calibration[0]!.pValue <= 0.05) alarms++;
    }
    expectAtMostAlpha(alarms, 40, 'good scores called poor', { alpha: 0.05, seed });
    const scores = Float64Array.from({ length: 2000 }, () => sampler.random());
    const labels = Array.from(scores, (score) => (sampler.random() < Math.abs(2 * score - 1) ? 1 : 0));
    const estimator = confidenceEstimator(labels, scores, quick);
    expect(estimator.calibration[0]!.error).toBeGreaterThan(estimator.calibration[0]!.byChance + 0.05);
    expect(estimator.estimate(scores).warnings).toEqual(['poor-calibration']);
  });

  it('holds each of several classes against the others, and covers their accuracy', () => {
    const sampler = new Sampler(seed + 5);
    const classes = ['calm', 'rain', 'storm'];
    const draw = (n: number, spread: number): { rows: number[][]; labels: string[] } => {
      const chances = Array.from({ length: n }, () => {
        const weights = [...sampler.normals(3, 0, spread)].map((value) => Math.exp(2 * value));
        return weights.map((weight) => weight / weights.reduce((sum, one) => sum + one, 0));
      });
      const labels = chances.map((row) => {
        let left = sampler.random();
        return classes[row.findIndex((chance) => (left -= chance) < 0)] ?? 'storm';
      });
      return { rows: chances.map((row) => row.map((chance) => Math.sqrt(chance))), labels };
    };
    const best = (row: readonly number[]): string => classes[row.indexOf(Math.max(...row))]!;
    const share = ({ rows, labels }: ReturnType<typeof draw>): number => rows.filter((row, i) => best(row) === labels[i]).length / rows.length;
    let missed = 0;
    for (let trial = 0; trial < 20; trial++) {
      const [before, rows] = [draw(500, 1), draw(400, 0.6)];
      const { accuracy } = confidenceEstimator(before.labels, before.rows, { classes, resamples: 100, bins: 20, seed: trial }).estimate(rows.rows);
      if (share(rows) < accuracy.low! || share(rows) > accuracy.high!) missed++;
    }
    expectAtMostAlpha(missed, 20, 'accuracy of three classes outside of its interval', { alpha: 0.05, seed });
    const before = draw(500, 1);
    const estimate = confidenceEstimator(before.labels, before.rows, { classes, ...quick }).estimate(before.rows);
    expect(estimate.accuracy.value).toBeCloseTo(share(before), 12);
    const ofStorm = before.rows.flatMap((row, i) => (best(row) === 'storm' ? [before.labels[i] === 'storm' ? 1 : 0] : []));
    expect(estimate.classes.map(({ label }) => label)).toEqual(classes);
    expect(estimate.classes[2]!.precision.value).toBeCloseTo(ofStorm.reduce((sum: number, hit) => sum + hit, 0) / ofStorm.length, 12);
    expect(estimate.recall.value).toBeCloseTo(estimate.classes.reduce((sum, { recall }) => sum + recall.value! / 3, 0), 12);
  });

  it('goes on from what was stored, and adds up counts of parts', () => {
    const sampler = new Sampler(seed + 6);
    const [before, rows] = [drawRows(sampler, 500), drawRows(sampler, 400, 0.5)];
    const estimator = confidenceEstimator(before.labels, before.scores, quick);
    const whole = estimator.estimate(rows.scores);
    const stored = ConfidenceEstimator.fromJSON(JSON.parse(JSON.stringify(estimator)));
    expect(stored.estimate(rows.scores)).toEqual(whole);
    const counts = new Float64Array(stored.cells);
    stored.count(rows.scores.subarray(0, 150), undefined, counts);
    stored.count(rows.scores.subarray(150), undefined, counts);
    expect(stored.estimateCounts(counts)).toEqual(whole);
  });

  it('counts rows one by one, in any parts, as it counts lists of them', () => {
    const sampler = new Sampler(seed + 9);
    const { labels, scores } = drawRows(sampler, 200);
    const predictions = labels.map((label, i) => (i % 5 === 0 ? 1 - label : label));
    const classes = ['calm', 'rain', 'storm'];
    const ofClasses = Array.from(scores, (score) => [score, 1 - score, sampler.random()]);
    const names = labels.map((label, i) => (i % 3 === 0 ? 'storm' : classes[label]!));
    const byThreshold = confidenceEstimator(labels, scores, { ...quick, threshold: 0.6 });
    const given = confidenceEstimator(labels, scores, { ...quick, predictions });
    const named = confidenceEstimator(labels.map(String), scores, { ...quick, predictions: predictions.map(String), positive: '1' });
    const several = confidenceEstimator(names, ofClasses, { ...quick, classes });
    const score = fc.oneof({ weight: 9, arbitrary: fc.double({ min: -0.2, max: 1.2, noNaN: true }) }, { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity) });
    const row = fc.record({ scores: fc.tuple(score, score, score), prediction: fc.constantFrom(0, 1, -1, true, false, NaN), name: fc.constantFrom('0', '1', '2'), storm: fc.constantFrom('calm', 'rain', 'storm', 'snow'), part: fc.nat({ max: 2 }) });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 120 }), (rows) => {
        const firsts = rows.map((one) => one.scores[0]);
        const all = rows.map((one) => one.scores);
        const asked = [
          [byThreshold, (into: Float64Array) => byThreshold.count(firsts, undefined, into), (one: (typeof rows)[number]) => ({ prediction: one.scores[0] })],
          [byThreshold, (into: Float64Array) => byThreshold.count(firsts, undefined, into), (one: (typeof rows)[number]) => ({ prediction: 'late', scores: one.scores[0] })],
          [given, (into: Float64Array) => given.count(firsts, rows.map(({ prediction }) => prediction), into), (one: (typeof rows)[number]) => ({ prediction: one.prediction, scores: one.scores[0] })],
          [named, (into: Float64Array) => named.count(firsts, rows.map(({ name }) => name), into), (one: (typeof rows)[number]) => ({ prediction: one.name, scores: one.scores[0] })],
          [several, (into: Float64Array) => several.count(all, undefined, into), (one: (typeof rows)[number]) => ({ scores: one.scores })],
          [several, (into: Float64Array) => several.count(all, rows.map(({ storm }) => storm), into), (one: (typeof rows)[number]) => ({ prediction: one.storm, scores: one.scores })],
        ] as const;
        for (const [estimator, countAll, rowOf] of asked) {
          const [whole, merged] = [new Float64Array(estimator.cells), new Float64Array(estimator.cells)];
          countAll(whole);
          for (const part of [0, 1, 2]) {
            const own = new Float64Array(estimator.cells);
            for (const one of rows) if (one.part === part) estimator.countRow(rowOf(one), own);
            own.forEach((count, cell) => (merged[cell]! += count));
          }
          expect(merged).toEqual(whole);
        }
      }),
      { seed, numRuns: 40 },
    );
  });

  it('counts a row that it cannot read as one left out, whatever is in it', () => {
    const { labels, scores } = drawRows(new Sampler(seed + 10), 100);
    const given = confidenceEstimator(labels, scores, { ...quick, predictions: labels });
    const several = confidenceEstimator(labels, Array.from(scores, (score) => [score, 1 - score]), { ...quick, classes: [0, 1] });
    for (const [estimator, row] of [
      [given, { prediction: 'late', scores: 0.5 }], [given, { prediction: 7, scores: 0.5 }], [given, { prediction: 1 }], [given, {}], [given, { prediction: null, scores: 0.5 }],
      [several, { scores: [0.5] }], [several, { scores: null }], [several, { scores: 0.5 }], [several, { scores: [0.5, '1'] }], [several, { prediction: {}, scores: [0.5, 0.5] }],
    ] as const) {
      const counts = new Float64Array(estimator.cells);
      estimator.countRow(row, counts);
      expect(estimator.estimateCounts(counts), JSON.stringify(row)).toMatchObject({ n: 0, dropped: 1 });
    }
  });

  it('says what it left out, what lies outside of the reference, and when there is too little', () => {
    const { labels, scores } = drawRows(new Sampler(seed + 7), 500);
    const estimator = confidenceEstimator(labels, scores, quick);
    const found = (more: readonly number[]): ConfidenceEstimate => estimator.estimate([...scores, ...more]);
    expect(found([NaN, null as never])).toMatchObject({ status: 'estimated', n: 500, dropped: 2, outside: 0, warnings: [] });
    expect(found(new Array(60).fill(1.5))).toMatchObject({ n: 560, outside: 60 / 560, warnings: ['outside-reference'] });
    const few = estimator.estimate(scores.subarray(0, 49));
    expect(few).toMatchObject({ status: 'insufficient', n: 49, accuracy: { value: null, low: null, high: null } });
    expect(estimator.estimate([])).toMatchObject({ status: 'insufficient', n: 0, outside: 0 });
    const given = confidenceEstimator(labels, scores, { ...quick, predictions: labels.map((label, i) => (i % 5 === 0 ? 1 - label : label)) });
    expect(given.estimate(scores, { predictions: labels.map(() => 1) })).toMatchObject({ recall: { value: 1 }, specificity: { value: 0 } });
    expect(() => given.estimate(scores)).toThrow(/give options.predictions/);
  });

  it('refuses a reference that tells too little, and options that contradict each other', () => {
    const { labels, scores } = drawRows(new Sampler(seed + 8), 60);
    for (const [options, word] of [[{ minRows: 61 }, '60 rows'], [{ threshold: 0.5, predictions: labels }, 'a threshold is for'], [{ threshold: NaN }, 'threshold'], [{ bins: 1 }, 'bins'], [{ resamples: 10 }, 'resamples'], [{ classes: ['a'] }, 'two at least']] as const) {
      expect(() => confidenceEstimator(labels, scores, options), word).toThrow(word);
    }
    expect(() => confidenceEstimator(labels, [[0.1, 0.9]] as never, { classes: [0, 1] })).toThrow(/60 values/);
  });
});
