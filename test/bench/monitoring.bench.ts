import { DriftMonitor, MemoryStorage, compareData, profileData, type DataProfile } from 'modelkeep';
import { seededRandom } from '../../src/core/random.ts';
import { countInBins, quantileEdges } from '../../src/stats/bin-grid.ts';
import { ksTestSorted } from '../../src/stats/ks-test.ts';
import { psi } from '../../src/stats/psi.ts';
import { compare, measure } from './harness.ts';

const random = seededRandom(7);

/** Near enough to a normal, and quick. */
function bell(n: number, mean: number): Float64Array {
  return Float64Array.from({ length: n }, () => mean + random() + random() + random() + random() - 2);
}

interface Million {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly sortedX: Float64Array;
  readonly edges: Float64Array;
}

const million = (): Million => {
  const x = bell(1_000_000, 0);
  const sortedX = x.slice().sort();
  return { x, y: bell(1_000_000, 0.01), sortedX, edges: Float64Array.from(quantileEdges(sortedX, 10)) };
};

function sum(values: Float64Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}

function psiOn({ x, y, edges }: Million): number {
  const counts = [x, y].map((values) => {
    const bins = new Float64Array(edges.length + 1);
    countInBins(edges, values, bins);
    return bins;
  });
  return psi(counts[0]!, counts[1]!).value;
}

const rows = 500_000;

interface Months {
  readonly january: Record<string, ArrayLike<unknown>>;
  readonly february: Record<string, ArrayLike<unknown>>;
  readonly profile: DataProfile;
}

const months = (): Months => {
  const month = (mean: number): Record<string, ArrayLike<unknown>> => ({
    delay: bell(rows, mean),
    distance: bell(rows, 700),
    hour: Float64Array.from({ length: rows }, () => Math.floor(random() * 24)),
    mean1h: bell(rows, 3 * mean),
    origin: Array.from({ length: rows }, () => `A${Math.floor(random() * 200)}`),
  });
  const january = month(0);
  return { january, february: month(0.1), profile: profileData(january) };
};

export const benchmarks = [
  compare('PSI, 1M against 1M in ten bins (a plain pass over both)', psiOn, ({ x, y }) => sum(x) + sum(y), { setup: million }),
  compare('KS, 1M against 1M (a native sort of both)', ({ x, y }) => ksTestSorted(x.slice().sort(), y.slice().sort()).pValue, ({ x, y }) => [x.slice().sort(), y.slice().sort()], {
    setup: million,
    runs: 5,
    target: { ratioAtMost: 1.5 },
  }),
  compare(
    'KS, 1M against 1M with one side sorted before (a native sort of the other)',
    ({ sortedX, y }) => ksTestSorted(sortedX, y.slice().sort()).pValue,
    ({ y }) => y.slice().sort(),
    { setup: million, runs: 5, target: { ratioAtMost: 1.7 } },
  ),
  measure('KS, exact p-value of 1000 × 1000', ({ x, y }: Million) => ksTestSorted(x.slice(0, 1000).sort(), y.slice(0, 1000).sort()).pValue, { setup: million }),
  compare(
    'compareData, 500k × 5 columns against 500k (a native sort of its eight columns of numbers)',
    ({ january, february }) => compareData(january, february),
    ({ january, february }) => {
      for (const name of ['delay', 'distance', 'hour', 'mean1h']) for (const month of [january, february]) (month[name] as Float64Array).slice().sort();
    },
    { setup: months, runs: 5 },
  ),
  measure('compareData, 500k × 5 columns against a stored profile', ({ profile, february }: Months) => compareData(profile, february), { setup: months, runs: 5 }),
  measure('profileData, 500k × 5 columns', ({ january }: Months) => profileData(january), { setup: months, runs: 5 }),
  measure(
    'DriftMonitor.observe, per feature',
    ({ monitor, features }: { monitor: DriftMonitor; features: Record<string, unknown>[] }) => {
      for (const each of features) monitor.observe({ features: each });
    },
    {
      setup: () => {
        const labels = (): string[] => Array.from({ length: 5000 }, () => `c${Math.floor(random() * 20)}`);
        const columns = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`x${i}`, i < 15 ? bell(5000, i) : labels()]));
        const features = Array.from({ length: 5000 }, (_, row) => Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[row]])));
        return { monitor: new DriftMonitor({ storage: new MemoryStorage(), name: 'bench', reference: profileData(columns), window: { rows: 1e9 } }), features };
      },
      operations: 100_000,
      unit: 'µs',
      target: { atMost: 2 },
    },
  ),
];
