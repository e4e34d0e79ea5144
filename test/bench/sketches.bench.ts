import { AdaptiveHistogram, FixedHistogram, HyperLogLog, KllSketch, Moments, Reservoir, TopK } from 'modelkeep/stats';
import { SeededGenerator } from '../../src/stats/seeded-generator.ts';
import { compare, measure, type Benchmark } from './harness.ts';

function million(): Float64Array {
  const random = new SeededGenerator(7);
  return Float64Array.from({ length: 1_000_000 }, () => random.uniform() + random.uniform() + random.uniform());
}

function sum(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}

const edges = Array.from({ length: 51 }, (_, i) => (3 * i) / 50);

function onMillion(name: string, subject: (values: Float64Array) => unknown, ratioAtMost: number): Benchmark {
  return compare(`${name}, 1M doubles (a plain pass over them)`, subject, sum, { setup: million, warmup: 2, target: { ratioAtMost } });
}

export const benchmarks = [
  onMillion('Moments', (values) => new Moments().updateAll(values), 20),
  onMillion('KLL, k = 200', (values) => new KllSketch().updateAll(values), 70),
  onMillion('FixedHistogram, 50 bins', (values) => new FixedHistogram(edges).updateAll(values), 20),
  onMillion('AdaptiveHistogram', (values) => new AdaptiveHistogram().updateAll(values), 12),
  onMillion('HyperLogLog', (values) => new HyperLogLog().updateAll(values), 70),
  onMillion('Reservoir of 1000', (values) => new Reservoir<number>().updateAll(values), 5),
  measure('HyperLogLog, 100k texts', (texts: readonly string[]) => new HyperLogLog().updateAll(texts), {
    setup: () => Array.from({ length: 100_000 }, (_, i) => `customer-${i}`),
    target: { atMost: 150 },
  }),
  measure('TopK, 1M texts of 1000 different ones, capacity 2000', (texts: readonly string[]) => new TopK({ capacity: 2000 }).updateAll(texts), {
    setup: () => {
      const random = new SeededGenerator(8);
      return Array.from({ length: 1_000_000 }, () => `c${Math.floor(1000 * random.uniform() ** 2)}`);
    },
  }),
];
