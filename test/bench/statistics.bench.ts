import { Adwin, SortedSample, countInBins, domainClassifier, kendallCorrelation, ksTest, psi, quantileEdges, studentT, wassersteinDistance } from 'modelkeep/stats';
import { SeededGenerator } from '../../src/stats/seeded-generator.ts';
import { compare, measure } from './harness.ts';

const generator = new SeededGenerator(7);
const size = 1_000_000;

/** Near enough to a normal, and quick. */
const bell = (mean: number): Float64Array =>
  Float64Array.from({ length: size }, () => mean + generator.uniform() + generator.uniform() + generator.uniform() + generator.uniform() - 2);

/** No grid suits these: two narrow heaps far from zero, whose values differ in their last bits alone. */
const clumped = (mean: number): Float64Array => Float64Array.from({ length: size }, () => (generator.uniform() < 0.5 + mean ? -1e6 : 1e6) + generator.uniform() * 1e-4);

interface Pair {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly prepared: SortedSample;
}

const pairOf = (draw: (mean: number) => Float64Array) => (): Pair => {
  const x = draw(0);
  const prepared = SortedSample.of(x);
  // A reference is compared many times; what it prepares once is not the comparison's.
  ksTest(prepared, x);
  return { x, y: draw(0.01), prepared };
};
const smooth = pairOf(bell);
const worst = pairOf(clumped);

const pass = ({ x, y }: Pair): number => sum(x) + sum(y);
const sortOne = ({ y }: Pair): unknown => y.slice().sort();
const sortBoth = ({ x, y }: Pair): unknown => [x.slice().sort(), y.slice().sort()];

function sum(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}

interface Binned extends Pair {
  readonly edges: Float64Array;
  readonly counts: Float64Array;
}

function binned(): Binned {
  const pair = smooth();
  const edges = quantileEdges(pair.prepared, 10);
  return { ...pair, edges, counts: countInBins(pair.prepared, edges) };
}

export const benchmarks = [
  compare(
    'PSI, 1M against a reference of 1M that was counted before, ten bins (a plain pass over the one)',
    ({ y, edges, counts }: Binned) => psi(counts, countInBins(y, edges)).value,
    ({ y }) => sum(y),
    { setup: binned, target: { atMost: 10 } },
  ),
  compare('PSI, 1M against 1M, both counted, ten bins (a plain pass over both)', ({ x, y, edges }: Binned) => psi(countInBins(x, edges), countInBins(y, edges)).value, pass, { setup: binned, target: { atMost: 10 } }),
  compare('KS, 1M against 1M, smooth, one side prepared (a native sort of the other)', ({ prepared, y }) => ksTest(prepared, y).pValue, sortOne, {
    setup: smooth,
    runs: 5,
    target: { atMost: 30 },
  }),
  compare('KS, 1M against 1M, clumped, one side prepared (a native sort of the other)', ({ prepared, y }) => ksTest(prepared, y).pValue, sortOne, {
    setup: worst,
    runs: 5,
    target: { atMost: 130 },
  }),
  compare('KS, 1M against 1M, smooth, nothing prepared (a native sort of both)', ({ x, y }) => ksTest(x, y).pValue, sortBoth, { setup: smooth, runs: 5, target: { atMost: 230 } }),
  compare('KS, 1M against 1M, clumped, nothing prepared (a native sort of both)', ({ x, y }) => ksTest(x, y).pValue, sortBoth, { setup: worst, runs: 5, target: { atMost: 230 } }),
  compare('Wasserstein, 1M against 1M, smooth, one side prepared (a native sort of the other)', ({ prepared, y }) => wassersteinDistance(prepared, y), sortOne, {
    setup: smooth,
    runs: 5,
    target: { atMost: 30 },
  }),
  compare('Wasserstein, 1M against 1M, clumped, one side prepared (a native sort of the other)', ({ prepared, y }) => wassersteinDistance(prepared, y), sortOne, {
    setup: worst,
    runs: 5,
    target: { atMost: 130 },
  }),
  compare('Wasserstein, 1M against 1M, smooth, nothing prepared (a native sort of both)', ({ x, y }) => wassersteinDistance(x, y), sortBoth, { setup: smooth, runs: 5, target: { atMost: 230 } }),
  measure('KS, exact p-value of 1000 × 1000', ({ x, y }: Pair) => ksTest(x.subarray(0, 1000), y.subarray(0, 1000)).pValue, { setup: smooth, target: { atMost: 10 } }),
  measure('KS, exact p-value of 1000 × 1000 with ties', ({ x, y }: { x: number[]; y: number[] }) => ksTest(x, y).pValue, {
    setup: () => ({ x: Array.from({ length: 1000 }, () => generator.below(50)), y: Array.from({ length: 1000 }, () => generator.below(50)) }),
    target: { atMost: 10 },
  }),
  compare("Kendall's correlation of 1M pairs (a native sort of both)", ({ x, y }) => kendallCorrelation(x, y).pValue, sortBoth, { setup: smooth, runs: 3, target: { atMost: 1000 } }),
  measure('domainClassifier, 5,000 rows × 10 columns of each side', ({ before, after }: { before: Record<string, Float64Array>; after: Record<string, Float64Array> }) => domainClassifier(before, after).auc, {
    setup: () => {
      const side = (): Record<string, Float64Array> => Object.fromEntries(Array.from({ length: 10 }, (_, k) => [`x${k}`, bell(0).slice(0, 5000)]));
      return { before: side(), after: side() };
    },
    runs: 3,
  }),
  compare(
    'Adwin, updates (a plain pass)',
    ({ errors }: { errors: Float64Array }) => {
      const adwin = new Adwin();
      for (let i = 0; i < errors.length; i++) adwin.update(errors[i]!);
    },
    ({ errors }) => sum(errors),
    {
      setup: () => ({ errors: Float64Array.from({ length: size }, (_, i) => (generator.uniform() < (i < size / 2 ? 0.1 : 0.2) ? 1 : 0)) }),
      operations: size,
      unit: 'operations/s',
      target: { atLeast: 2_000_000 },
    },
  ),
  measure(
    'studentT.sf',
    () => {
      let total = 0;
      for (let i = 0; i < 100_000; i++) total += studentT.sf((i % 100) / 20, 3 + (i % 200));
      return total;
    },
    { operations: 100_000, unit: 'µs', target: { atMost: 0.5 } },
  ),
];
