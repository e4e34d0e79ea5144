import { Adwin, SortedSample, ksTest, psi, studentT, wassersteinDistance } from 'modelkeep/stats';
import { countInBins, quantileEdges } from '../../src/stats/samples/bin-grid.ts';
import { SeededGenerator } from '../../src/stats/seeded-generator.ts';
import { compare, measure } from './harness.ts';

const generator = new SeededGenerator(7);
const size = 1_000_000;

/** Near enough to a normal, and quick. */
const bell = (mean: number): Float64Array =>
  Float64Array.from({ length: size }, () => mean + generator.uniform() + generator.uniform() + generator.uniform() + generator.uniform() - 2);

/** No grid suits these: half of them lie about zero at every scale. */
const clumped = (): Float64Array => Float64Array.from({ length: size }, () => (generator.uniform() - 0.5) * 10 ** (-300 * generator.uniform()));

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
}

function psiOn({ x, y, edges }: Binned): number {
  const counts = [x, y].map((values) => {
    const bins = new Float64Array(edges.length + 1);
    countInBins(edges, values, bins);
    return bins;
  });
  return psi(counts[0]!, counts[1]!).value;
}

export const benchmarks = [
  compare('PSI, 1M against 1M in ten bins (a plain pass over both)', psiOn, pass, {
    setup: () => {
      const pair = smooth();
      return { ...pair, edges: Float64Array.from(quantileEdges(pair.prepared.sorted, 10)) };
    },
    target: { atMost: 10 },
  }),
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
  compare('Wasserstein, 1M against 1M, one side prepared (a native sort of the other)', ({ prepared, y }) => wassersteinDistance(prepared, y), sortOne, {
    setup: smooth,
    runs: 5,
    target: { atMost: 30 },
  }),
  compare('Wasserstein, 1M against 1M, nothing prepared (a native sort of both)', ({ x, y }) => wassersteinDistance(x, y), sortBoth, { setup: smooth, runs: 5, target: { atMost: 230 } }),
  measure('KS, exact p-value of 1000 × 1000', ({ x, y }: Pair) => ksTest(x.subarray(0, 1000), y.subarray(0, 1000)).pValue, { setup: smooth, target: { atMost: 10 } }),
  measure('KS, exact p-value of 1000 × 1000 with ties', ({ x, y }: { x: number[]; y: number[] }) => ksTest(x, y).pValue, {
    setup: () => ({ x: Array.from({ length: 1000 }, () => generator.below(50)), y: Array.from({ length: 1000 }, () => generator.below(50)) }),
    target: { atMost: 10 },
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
