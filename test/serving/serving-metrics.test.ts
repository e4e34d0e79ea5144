import { ModelkeepError, TimeoutError, metricsText, type ServingMetricsOptions } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import { prometheusText } from '../../src/serving/metrics/prometheus-text.ts';
import type { ServingGauges } from '../../src/serving/metrics/serving-gauges.ts';
import { ServingMetrics } from '../../src/serving/metrics/serving-metrics.ts';
import type { Arm, ServedOutcome } from '../../src/serving/prediction.ts';
import { ManualClock } from '../tracking/manual-clock.ts';
import { outcome } from './outcome.ts';
import { parsePrometheus, valueOf } from './parse-prometheus.ts';

const nothing: ServingGauges = { versions: [] };

function world(options: ServingMetricsOptions = {}, gauges: () => ServingGauges = () => nothing, model = 'flight-delay') {
  const clock = new ManualClock();
  const errors: unknown[] = [];
  const metrics = new ServingMetrics({ model, clock, onError: (error) => errors.push(error), gauges, options });
  return { clock, errors, metrics, read: () => parsePrometheus(metrics.text()) };
}

describe('the metrics of a deployment', () => {
  it('adds up to what was served, whatever that was', () => {
    const { metrics, read } = world();
    const random = seededRandom(7);
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
    const all: ServedOutcome[] = [];
    for (let i = 0; i < 5_000; i++) {
      const failed = random() < 0.1;
      const arm = pick<Arm>(['stable', 'control', 'candidate']);
      const served = outcome({ version: arm === 'candidate' ? 2 : 1, arm, shadow: random() < 0.1, cached: !failed && random() < 0.2, reason: random() < 0.1 ? 'fallback' : 'stable', latencyMs: random() ** 4 * 20_000, queueMs: random() * 10, computeMs: random() * 100, batchSize: pick([1, 2, 3, 300]), ...(failed && { error: pick([new TimeoutError('Too late.'), new ModelkeepError('overloaded', 'Full.'), new Error('No code.'), null]) }) });
      all.push(served);
      metrics.count(served);
    }
    const families = read();
    for (const arm of ['stable', 'control', 'candidate'] as const) {
      const labels = { model: 'flight-delay', version: arm === 'candidate' ? '2' : '1', arm };
      const mine = all.filter((of) => of.arm === arm && !of.shadow);
      const answered = mine.filter((of) => of.error === undefined && !of.cached);
      expect(valueOf(families, 'modelkeep_predictions_total', labels)).toBe(mine.length);
      expect(valueOf(families, 'modelkeep_prediction_failures_total', { ...labels, code: 'timeout' })).toBe(mine.filter((of) => of.error instanceof TimeoutError).length);
      expect(valueOf(families, 'modelkeep_prediction_failures_total', { ...labels, code: 'other' })).toBe(mine.filter((of) => of.error === null || (of.error !== undefined && !(of.error instanceof ModelkeepError))).length);
      expect(valueOf(families, 'modelkeep_predictions_cached_total', labels)).toBe(mine.filter((of) => of.cached).length);
      expect(valueOf(families, 'modelkeep_predictions_fallback_total', labels)).toBe(mine.filter((of) => of.reason === 'fallback').length);
      const duration = 'modelkeep_prediction_duration_seconds';
      expect(valueOf(families, duration, { ...labels, le: '0.05' }, `${duration}_bucket`)).toBe(mine.filter((of) => of.latencyMs <= 50).length);
      expect(valueOf(families, duration, { ...labels, le: '10' }, `${duration}_bucket`)).toBe(mine.filter((of) => of.latencyMs <= 10_000).length);
      expect(valueOf(families, duration, labels, `${duration}_count`)).toBe(mine.length);
      expect(valueOf(families, duration, labels, `${duration}_sum`)).toBeCloseTo(mine.reduce((sum, of) => sum + of.latencyMs, 0) / 1000, 6);
      expect(valueOf(families, 'modelkeep_prediction_queue_seconds', labels, 'modelkeep_prediction_queue_seconds_count')).toBe(answered.length);
      expect(valueOf(families, 'modelkeep_prediction_compute_seconds', labels, 'modelkeep_prediction_compute_seconds_sum')).toBeCloseTo(answered.reduce((sum, of) => sum + of.computeMs, 0) / 1000, 6);
      expect(valueOf(families, 'modelkeep_prediction_batch_size', { ...labels, le: '2' }, 'modelkeep_prediction_batch_size_bucket')).toBe(answered.filter((of) => of.batchSize <= 2).length);
    }
    const shadows = all.filter((of) => of.shadow && of.version === 2);
    expect(valueOf(families, 'modelkeep_shadow_predictions_total', { version: '2' })).toBe(shadows.length);
    expect(valueOf(families, 'modelkeep_shadow_failures_total', { version: '2', code: 'overloaded' })).toBe(shadows.filter((of) => (of.error as ModelkeepError | undefined)?.code === 'overloaded').length);
  });

  it('counts a value at the bound of a bucket in it', () => {
    const { metrics, read } = world({ buckets: [0.001, 0.5] });
    for (const latencyMs of [1, 500, 500.1, NaN]) metrics.count(outcome({ latencyMs }));
    const bucket = (le: string): number => valueOf(read(), 'modelkeep_prediction_duration_seconds', { le }, 'modelkeep_prediction_duration_seconds_bucket');
    expect([bucket('0.001'), bucket('0.5'), bucket('+Inf')]).toEqual([1, 2, 3]);
  });

  it('tells what is true now when it is read', () => {
    const gauges: ServingGauges = {
      versions: [
        { version: 1, state: 'ready', arm: 'stable', bytes: 4096, inFlight: 3, queued: 9 },
        { version: 2, state: 'loading', bytes: 0, inFlight: 0, queued: 0 },
      ],
      loaded: 2, disposed: 1, failedLoads: 0, shadowDropped: 4, logDropped: 5, logBuffered: 6,
      traffic: [{ version: 1, arm: 'stable', share: 0.95 }, { version: 2, arm: 'candidate', share: 0.05 }],
    };
    const families = world({}, () => gauges).read();
    expect(valueOf(families, 'modelkeep_version_ready', { version: '1' })).toBe(1);
    expect(valueOf(families, 'modelkeep_version_ready', { version: '2' })).toBe(0);
    expect(valueOf(families, 'modelkeep_version_in_flight', { version: '1' })).toBe(3);
    expect(valueOf(families, 'modelkeep_version_queued', { version: '1' })).toBe(9);
    expect(valueOf(families, 'modelkeep_version_memory_bytes', { version: '1' })).toBe(4096);
    expect(valueOf(families, 'modelkeep_traffic_share_ratio', { version: '2', arm: 'candidate' })).toBe(0.05);
    expect(['modelkeep_versions_loaded_total', 'modelkeep_versions_disposed_total', 'modelkeep_version_load_failures_total', 'modelkeep_shadow_dropped_total', 'modelkeep_prediction_log_dropped_total', 'modelkeep_prediction_log_buffered'].map((name) => valueOf(families, name, { model: 'flight-delay' }))).toEqual([2, 1, 0, 4, 5, 6]);
  });

  it('makes one text of several deployments, whatever their models are called', () => {
    const names = ['flight-delay', 'with "quotes", \\ and\na line feed', 'größe'];
    const sources = names.map((name) => {
      const { metrics } = world({}, () => nothing, name);
      metrics.count(outcome());
      return { model: name, metricFamilies: () => metrics.families() };
    });
    const families = parsePrometheus(metricsText(sources));
    expect(families.get('modelkeep_predictions_total')!.samples.map(({ labels }) => labels['model'])).toEqual(names);
    expect(() => metricsText([sources[0]!, sources[0]!])).toThrow(/'flight-delay'.*told apart/);
    expect(metricsText([])).toBe('');
  });

  it('writes every number and escape as the format has it', () => {
    const samples = [NaN, Infinity, -Infinity, 1e21, 1e-7, -0].map((value, i) => ({ suffix: '' as const, labels: { i: String(i) }, value }));
    const text = prometheusText([{ name: 'x', help: 'A \\ and\na line.', type: 'gauge', samples }]);
    expect(text).toBe('# HELP x A \\\\ and\\na line.\n# TYPE x gauge\nx{i="0"} NaN\nx{i="1"} +Inf\nx{i="2"} -Inf\nx{i="3"} 1e+21\nx{i="4"} 1e-7\nx{i="5"} 0\n');
  });

  it('forgets versions that left memory long ago, and tells apart no more than it may', async () => {
    const { metrics, read, clock } = world({ maxVersions: 3, keep: '10m' });
    const versions = (): string[] => [...new Set(read().get('modelkeep_predictions_total')?.samples.map(({ labels }) => labels['version']!))].sort();
    for (const version of [1, 2, 3]) {
      metrics.hold(version, 100);
      metrics.count(outcome({ version, at: clock.now() }));
      await clock.pass(1000);
    }
    metrics.hold(2, 0);
    metrics.count(outcome({ version: 4, at: clock.now() }));
    expect(versions()).toEqual(['1', '3', '4']);
    metrics.hold(1, 0);
    await clock.pass(600_001);
    // Version 3 is in memory still.
    expect(versions()).toEqual(['3']);
  });

  it('has no more codes of failures than a label can bear', () => {
    const { metrics, read } = world();
    for (let i = 0; i < 1000; i++) metrics.count(outcome({ error: new ModelkeepError(`code-${i}` as 'timeout', 'Made up.') }));
    const samples = read().get('modelkeep_prediction_failures_total')!.samples;
    expect(samples.length).toBeLessThanOrEqual(41);
    expect(samples.reduce((sum, { value }) => sum + value, 0)).toBe(1000);
  });
});

describe('the cost of a version', () => {
  it('adds up time, memory and price', async () => {
    const { metrics, clock, read } = world({ price: ({ computeMs, cached, input }) => (cached ? 0 : computeMs * 0.001 + (input as { distance: number }).distance / 1000) });
    metrics.hold(1, 1000);
    await clock.pass(2000);
    metrics.hold(1, 500);
    metrics.count(outcome({ computeMs: 10 }));
    metrics.count(outcome({ computeMs: 30, error: new Error('It broke.') }));
    metrics.count(outcome({ computeMs: 0, cached: true }));
    await clock.pass(1000);
    const [cost] = metrics.costs();
    expect(cost).toMatchObject({ version: 1, requests: 3, failures: 1, computeMs: 40, byteSeconds: 2500 });
    expect(cost!.price).toBeCloseTo(0.84, 12);
    expect(cost!.pricePerRequest).toBeCloseTo(0.28, 12);
    expect(valueOf(read(), 'modelkeep_version_memory_byte_seconds_total', { version: '1' })).toBe(2500);
    expect(valueOf(read(), 'modelkeep_version_price', { version: '1' })).toBeCloseTo(0.84, 12);
  });

  it('goes on when the price cannot be told, and says so once', () => {
    const prices = [1, NaN, NaN, 2, NaN];
    const { metrics, errors } = world({ price: () => prices.shift() ?? (() => { throw new Error('No price.'); })() });
    for (let i = 0; i < 6; i++) metrics.count(outcome());
    expect(metrics.costs()[0]).toMatchObject({ requests: 6, price: 3 });
    expect(errors.map((error) => (error as Error).message)).toEqual([expect.stringMatching(/price of a prediction of version 1 is NaN/), expect.stringMatching(/is NaN/)]);
  });
});

describe('wrong options of metrics', () => {
  it.each([
    [{ buckets: [] }, 'options.metrics.buckets'],
    [{ buckets: [1, 1] }, 'options.metrics.buckets'],
    [{ buckets: [0, 1] }, 'options.metrics.buckets'],
    [{ buckets: [1, Infinity] }, 'options.metrics.buckets'],
    [{ price: 3 }, 'options.metrics.price'],
    [{ maxVersions: 0 }, 'options.metrics.maxVersions'],
    [{ keep: 'soon' }, 'options.metrics.keep'],
    [{ bucket: [1] }, 'bucket'],
  ])('%j is refused by name', (options, path) => {
    expect(() => world(options as ServingMetricsOptions)).toThrow(path);
  });
});
