import { MemoryStorage } from 'modelkeep';
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import { PredictionLog } from '../../src/serving/log/prediction-log.ts';
import { ServingMetrics } from '../../src/serving/metrics/serving-metrics.ts';
import type { ServedOutcome } from '../../src/serving/prediction.ts';
import { measure, type Benchmark } from './harness.ts';

const counted = 200_000;
const kept = 20_000;
const features = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`feature${i}`, Math.sin(i) * 1000]));

const outcomeOf = (input: unknown): ServedOutcome => ({
  id: '0196f1c4-0000-7000-8000-000000000001.1.stable',
  at: Date.now(),
  version: 1,
  arm: 'stable',
  reason: 'stable',
  shadow: false,
  input,
  output: { score: 0.5 },
  cached: false,
  latencyMs: 4.123,
  queueMs: 1.1,
  computeMs: 2.2,
  batchSize: 1,
});

/** Metrics that have counted something of as many versions as they tell apart. */
function someMetrics(): ServingMetrics {
  const metrics = new ServingMetrics({ model: 'flight-delay', clock: systemClock, onError: fail, gauges: () => ({ versions: [] }) });
  for (let version = 1; version <= 50; version++) metrics.count({ ...outcomeOf(1), version });
  return metrics;
}

function someLog(sample: number): PredictionLog {
  return new PredictionLog({ storage: new MemoryStorage(), model: 'flight-delay', clock: systemClock, random: systemRandom, onError: fail, options: { sample, interval: '1h' } });
}

function fail(error: unknown): never {
  throw error;
}

const small = outcomeOf({ distance: 400, carrier: 'AA', month: 3, weekday: 5 });
const large = outcomeOf(features);

const keep = (of: ServedOutcome) => (log: PredictionLog): void => {
  for (let i = 0; i < kept; i++) log.record(of);
};

const keeping = (sample: number) => ({ operations: kept, unit: 'µs', setup: () => someLog(sample), teardown: (log: PredictionLog) => log.close() }) as const;

export const benchmarks: Benchmark[] = [
  measure('count a prediction', (metrics: ServingMetrics) => {
    for (let i = 0; i < counted; i++) metrics.count(large);
  }, { operations: counted, unit: 'µs', setup: someMetrics, target: { atMost: 1 } }),
  measure('the metrics of 50 versions as text', (metrics: ServingMetrics) => metrics.text(), { setup: someMetrics, runs: 21 }),
  measure('keep a prediction of 4 features', keep(small), keeping(1)),
  measure('keep a prediction of 100 features', keep(large), keeping(1)),
  measure('pass over a prediction that is not of the sample', keep(large), { ...keeping(1e-9), target: { atMost: 1 } }),
];
