import { parallelCoordinates, type RunRecord } from 'modelkeep';
import { barChart, calibrationChart, confusionMatrixChart, histogramChart, lineChart, parallelCoordinatesChart, precisionRecallChart, rocChart, scatterChart, type Chart } from 'modelkeep/report';
import { confusionMatrix, histogram, precisionRecallCurve, rocCurve } from 'modelkeep/stats';
import { compile } from 'vega-lite';
import { describe, expect, test } from 'vitest';

const evil = '</svg><script>alert(1)</script>"\'&<';
const labels = [0, 1, 0, 1, 1, 0, 1, 0, 0, 1];
const scores = [0.1, 0.9, 0.4, 0.35, 0.8, 0.2, 0.7, 0.6, 0.3, 0.55];
const runs = [0.1, 0.01, 0.001].map((lr, i) => ({ id: `run-${i}`, name: i === 0 ? evil : undefined, params: { lr, [evil]: evil }, metrics: { loss: { step: 1, timestamp: 1, value: [0.5, 0.2, NaN][i]! } } }) as unknown as RunRecord);

/** One chart of each kind, with names that try to leave their place, and values that are not finite. */
const charts: Record<string, () => Chart> = {
  line: () => lineChart([{ name: evil, x: [1, 2, 3], y: [0.1, NaN, 0.3] }], { title: evil, y: 'log', smoothing: { method: 'mean', window: 3 } }),
  'line over time': () => lineChart([{ name: evil, x: [1.79e12, 1.8e12], y: [1, 2] }], { title: evil, x: 'time' }),
  histogram: () => histogramChart([{ name: evil, ...histogram([1, 2, 2, 3]) }, { name: 'b', ...histogram([2, NaN]) }], { title: evil, xLabel: evil }),
  scatter: () => scatterChart([{ name: evil, x: [1, 2, NaN], y: [1, 2, 3], labels: [evil, evil, evil] }, { name: 'b', x: [3], y: [4] }], { title: evil, xLabel: evil }),
  bar: () => barChart([{ name: evil, value: 2 }, { name: 'b', value: -1 }, { name: 'c', value: NaN }], { title: evil }),
  'confusion matrix': () => confusionMatrixChart(confusionMatrix([evil, 'b', evil], [evil, evil, 'b']), { title: evil }),
  ROC: () => rocChart([{ name: evil, ...rocCurve(labels, scores) }, { name: 'none', ...rocCurve([], []) }], { title: evil }),
  'precision and recall': () => precisionRecallChart([{ name: evil, ...precisionRecallCurve(labels, scores) }, { name: 'none', ...precisionRecallCurve([], []) }], { title: evil }),
  calibration: () => calibrationChart([{ name: evil, labels, probabilities: scores }, { name: 'none', labels: [], probabilities: [] }], { title: evil, bins: 3 }),
  'parallel coordinates': () => parallelCoordinatesChart(parallelCoordinates(runs), { title: evil }),
};

/** The same kinds without any data. */
const empty: Record<string, Chart> = {
  histogram: histogramChart([], { title: 'a' }),
  'histogram of nothing': histogramChart([{ name: 'a', ...histogram([]) }], { title: 'a' }),
  scatter: scatterChart([], { title: 'a' }),
  bar: barChart([], { title: 'a' }),
  'confusion matrix': confusionMatrixChart(confusionMatrix([], []), { title: 'a' }),
  ROC: rocChart([], { title: 'a' }),
  'precision and recall': precisionRecallChart([], { title: 'a' }),
  calibration: calibrationChart([], { title: 'a' }),
  'parallel coordinates': parallelCoordinatesChart({ axes: [], lines: [] }, { title: 'a' }),
};

describe('every chart', () => {
  test.each(Object.entries(charts))('%s: the same data give the same SVG, all of whose texts are escaped', (_name, make) => {
    const svg = make().toSVG();
    expect(make().toSVG()).toBe(svg);
    expect(svg).not.toMatch(/<script|="[^"]*(NaN|Infinity|undefined)/);
    // Every quotation mark and sign of a name is a reference.
    expect(svg).not.toMatch(/&(?!#\d+;)/);
  });

  test.each(Object.entries(charts))('%s: its specification is plain JSON that Vega-Lite compiles without a warning', (_name, make) => {
    const warnings: unknown[] = [];
    const warn = (...what: unknown[]): Logger => (warnings.push(what), logger);
    const logger = { level: () => logger, warn, error: warn, info: () => logger, debug: () => logger } as unknown as Logger;
    const spec = make().toVegaLite();
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
    const { marks } = compile(spec as unknown as Parameters<typeof compile>[0], { logger }).spec;
    expect(marks!.length).toBeGreaterThan(0);
    expect(warnings).toEqual([]);
  });

  test.each(Object.entries(empty))('%s: without data there is a picture that says so', (_name, chart) => {
    expect(chart.summary).toMatch(/nothing to draw|no rows|no values/);
    expect(chart.toSVG()).not.toMatch(/NaN|Infinity|undefined/);
  });
});

type Logger = NonNullable<NonNullable<Parameters<typeof compile>[1]>['logger']>;

describe('what charts say', () => {
  test('a histogram tells the fullest bin, and bars are as high as their counts', () => {
    const chart = histogramChart([{ name: 'delay', edges: Float64Array.of(0, 1, 2), counts: Float64Array.of(30, 10) }], { title: 'delay' });
    expect(chart.summary).toBe('delay: 40 values from 0 to 2, the fullest bin (30) from 0 to 1.');
    const heights = [...chart.toSVG().matchAll(/<path d="M[\d.]+ ([\d.]+)V([\d.]+)h/g)].map(([, base, top]) => Number(base) - Number(top));
    expect(heights[0]! / heights[1]!).toBeCloseTo(3, 1);
  });

  test('a confusion matrix names the most frequent confusion, and shows the largest of too many classes', () => {
    const observed = Array.from({ length: 200 }, (_, i) => `c${i % 40}`).concat('c7', 'c7', 'c7');
    const chart = confusionMatrixChart(confusionMatrix(observed, observed.map((name, i) => (i >= 200 ? 'c9' : name))), { title: 'classes', maxClasses: 10 });
    expect(chart.summary).toBe('200 of 203 rows (98.5 %) are predicted right. The most frequent confusion is c7 taken for c9: 3 (37.5 % of c7). Showing the 10 classes of 40 that were observed most.');
    expect(chart.table.rows).toHaveLength(10);
    expect(chart.table.rows.map(([name]) => name)).toContain('c7');
  });

  test('areas and averages are those of modelkeep/stats', async () => {
    const { averagePrecision, rocAuc } = await import('modelkeep/stats');
    const area = Number(/curve ([\d.]+)/.exec(rocChart([{ name: 'a', ...rocCurve(labels, scores) }], { title: 'a' }).summary)![1]);
    expect(area).toBeCloseTo(rocAuc(labels, scores).value, 3);
    const average = Number(/precision ([\d.]+)/.exec(precisionRecallChart([{ name: 'a', ...precisionRecallCurve(labels, scores) }], { title: 'a' }).summary)![1]);
    expect(average).toBeCloseTo(averagePrecision(labels, scores), 3);
  });

  test('calibration has bins of equally many rows with intervals around their shares', () => {
    const { rows } = calibrationChart([{ name: 'a', labels, probabilities: scores }], { title: 'a', bins: 2 }).table;
    expect(rows.map(([, n, mean, share]) => [n, Number(Number(mean).toFixed(3)), share])).toEqual([
      [5, 0.27, 0.2],
      [5, 0.71, 0.8],
    ]);
    for (const [, , , share, low, high] of rows) expect(Number(low) < Number(share) && Number(share) < Number(high)).toBe(true);
  });

  test('points beyond the most are left out evenly, and told', () => {
    const x = Array.from({ length: 5_000 }, (_, i) => i);
    const chart = scatterChart([{ name: 'a', x, y: x }], { title: 'a', maxPoints: 100 });
    expect(chart.summary).toBe('5,000 points; x from 0 to 4,999, y from 0 to 4,999. Showing 100 of 5,000 points.');
    expect(chart.toSVG().match(/<circle/g)).toHaveLength(100);
  });

  test('parallel coordinates find the best run in the direction that the name of the metric suggests', () => {
    const chart = parallelCoordinatesChart(parallelCoordinates(runs, { params: ['lr'] }), { title: 'sweep' });
    expect(chart.summary).toBe('3 runs over lr, loss. The best by loss (less is better) is run-1 with 0.2.');
  });
});
