import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DriftMonitor, MemoryStorage, compareData, compareSlices, mergeProfiles, profileData, type DataProfile, type MonitorEstimateOptions, type MonitorQualityOptions, type Observation } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { confidenceEstimator, directLossEstimator } from 'modelkeep/stats';
import { seededRandom } from '../../src/core/random.ts';
import { compare, measure, type Benchmark } from './harness.ts';

const random = seededRandom(7);

/** Near enough to a normal, and quick. */
function bell(n: number, mean: number): Float64Array {
  return Float64Array.from({ length: n }, () => mean + random() + random() + random() + random() - 2);
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

const million = 1_000_000;

/** Rows that a monitor observes in one run. */
const observed = 5000;

interface Watched {
  readonly monitor: DriftMonitor;
  readonly features: Record<string, unknown>[];
  readonly end: () => Promise<void>;
}

const texts = (n: number): string[] => Array.from({ length: n }, (_, i) => `${i} ${Array.from({ length: 7 }, () => `w${Math.floor(2000 ** random())}`).join(' ')}`);
const numbersAndLabels = (column: number): ArrayLike<unknown> => (column < 15 ? bell(observed, column) : Array.from({ length: observed }, () => `c${Math.floor(random() * 20)}`));
const dates = (n: number): Date[] => Array.from({ length: n }, () => new Date(1e12 + Math.floor(random() * 1e10)));
const vectors = (n: number): Float32Array[] => Array.from({ length: n }, () => Float32Array.from({ length: 32 }, () => random() - 0.5));

/** A million rows of each kind of column. */
const columnsOfKinds: Readonly<Record<string, () => ArrayLike<unknown>>> = {
  numbers: () => bell(million, 0),
  'truth values': () => Array.from({ length: million }, () => random() < 0.1),
  '200 categories': () => Array.from({ length: million }, () => `A${Math.floor(random() * 200)}`),
  'different texts of 8 words': () => texts(million),
  dates: () => dates(million),
  'vectors of 32': () => vectors(million),
};

/** A million rows of ten columns, eight of numbers and two of categories. */
const tenColumns = (mean: number): Record<string, ArrayLike<unknown>> => ({
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`x${i}`, bell(million, mean * (i + 1))])),
  origin: Array.from({ length: million }, () => `A${Math.floor(random() * 200)}`),
  cancelled: Array.from({ length: million }, () => random() < 0.1),
});

type Sides = readonly [Record<string, ArrayLike<unknown>>, Record<string, ArrayLike<unknown>>];

/** Looks at every value once: adds up numbers, and counts the others that are equal to the first. */
function plainPass(columns: Record<string, ArrayLike<unknown>>): number {
  let sum = 0;
  for (const values of Object.values(columns)) {
    if (values instanceof Float64Array) for (let i = 0; i < values.length; i++) sum += values[i]!;
    else for (let i = 0; i < values.length; i++) sum += +(values[i] === values[0]);
  }
  return sum;
}

/** What estimates without labels, or nothing, to compare with. */
const estimators: Readonly<Record<string, () => MonitorEstimateOptions | undefined>> = {
  'nothing estimated': () => undefined,
  'estimating by CBPE': () => {
    const scores = Float64Array.from({ length: 5000 }, random);
    return { metric: 'accuracy', min: 0.7, estimator: confidenceEstimator(Array.from(scores, (score) => (random() < score ? 1 : 0)), scores) };
  },
  'estimating by DLE': () => {
    const x = bell(5000, 0);
    return { metric: 'mae', max: 2, estimator: directLossEstimator({ x }, x.map((value) => value * (1 + random())), x) };
  },
};

export const benchmarks = [
  ...Object.entries(columnsOfKinds).map(([kind, x]) =>
    measure(`profileData, 1M ${kind}`, (data: Record<string, ArrayLike<unknown>>) => profileData(data), { setup: () => ({ x: x() }), runs: 5, ...(kind === 'numbers' && { target: { atMost: 60 } }) }),
  ),
  compare('compareData, 1M × 10 columns against 1M (a plain pass over both)', ([before, after]: Sides) => compareData(before, after), (sides: Sides) => sides.map(plainPass), {
    setup: (): Sides => [tenColumns(0), tenColumns(0.1)],
    runs: 5,
    target: { atMost: 1500 },
  }),
  measure('mergeProfiles, two of 100 columns', (parts: readonly DataProfile[]) => mergeProfiles(parts), {
    setup: () => {
      const columns = (): Record<string, ArrayLike<unknown>> => Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`x${i}`, bell(10_000, i)]));
      const reference = profileData(columns());
      return [reference, profileData(columns(), { bins: reference })];
    },
    target: { atMost: 5 },
  }),
  measure('compareSlices, 100k × 5 columns against 100k, by 20 values', ([before, after]: readonly Record<string, ArrayLike<unknown>>[]) => compareSlices(before!, after!, { by: ['carrier'] }), {
    setup: () => {
      const side = (mean: number): Record<string, ArrayLike<unknown>> => ({ ...Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`x${i}`, bell(100_000, mean)])), carrier: Array.from({ length: 100_000 }, () => `A${Math.floor(random() * 20)}`) });
      return [side(0), side(0.1)];
    },
    runs: 5,
  }),
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
  observing('per feature', 20, numbersAndLabels),
  observing('per feature, its quality judged', 20, numbersAndLabels, {}),
  observing('per text of 8 words', 1, () => texts(observed)),
  observing('per vector of 32', 1, () => vectors(observed)),
  observing('per date', 1, () => dates(observed)),
  ...Object.entries(estimators).map(([kind, estimator]) => estimating(`DriftMonitor.observe, a row of two columns, ${kind}`, estimator)),
  ...['in memory', 'in a directory'].map((where) =>
    measure(`DriftMonitor.check, a window of 5,000 rows × 50 columns, ${where}`, ({ monitor }: Watched) => monitor.check({ close: true }), {
      setup: () => fullMonitor(where === 'in memory'),
      before: ({ monitor, features }: Watched) => observeAll(monitor, features),
      teardown: ({ end }: Watched) => end(),
      target: { atMost: 50 },
    }),
  ),
  measure('DriftMonitor.flush, a row in a window of 24 panes × 50 columns', ({ monitor, row }: Sliding) => (monitor.observe({ features: row }), monitor.flush()), { setup: slidingMonitor, unit: 'ms' }),
  measure('DriftMonitor.check, an open window of 24 panes × 50 columns', async ({ monitor }: Sliding) => void (await monitor.check()), { setup: slidingMonitor, unit: 'ms', target: { atMost: 50 } }),
  measure('DriftMonitor.check, a million predictions joined with a million labels, AUC by version', (monitor: DriftMonitor) => monitor.check(), {
    setup: labelledMonitor,
    runs: 3,
    unit: 'ms',
    target: { atMost: 2000 },
  }),
];

/** Observes 100,000 rows of a model in three versions. */
function estimating(name: string, estimateOf: () => MonitorEstimateOptions | undefined): Benchmark {
  return measure(
    name,
    ({ monitor, observations }: { monitor: DriftMonitor; observations: Observation[] }) => {
      for (const observation of observations) monitor.observe(observation);
    },
    {
      setup: () => {
        const reference = profileData({ x: bell(1000, 0), score: bell(1000, 0) }, { prediction: 'score' });
        const observations = Array.from({ length: 100_000 }, (_, i) => ({ version: i % 3, features: { x: random() }, prediction: random() }));
        return { monitor: new DriftMonitor({ storage: new MemoryStorage(), name: 'bench', reference, window: { rows: 1e9 }, estimate: estimateOf() }), observations };
      },
      operations: 100_000,
      unit: 'µs',
    },
  );
}

interface Sliding {
  readonly monitor: DriftMonitor;
  readonly row: Record<string, number>;
}

async function slidingMonitor(): Promise<Sliding> {
  const columns = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`x${i}`, bell(5000, i)]));
  const rowAt = (row: number): Record<string, number> => Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[row % 5000]!]));
  const monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'bench', reference: profileData(columns), window: { rows: 24_000, slide: 1000 } });
  for (let row = 0; row < 24_500; row++) monitor.observe({ features: rowAt(row) });
  // The newest closed window is taken, so that the open one is what is measured.
  await monitor.check();
  return { monitor, row: rowAt(0) };
}

/** Times `observe` on rows of so many columns of one make. */
function observing(what: string, columns: number, make: (column: number) => ArrayLike<unknown>, quality?: MonitorQualityOptions): Benchmark {
  return measure(`DriftMonitor.observe, ${what}`, ({ monitor, features }: Omit<Watched, 'end'>) => observeAll(monitor, features), {
    setup: () => {
      const values = Object.fromEntries(Array.from({ length: columns }, (_, i) => [`x${i}`, make(i)]));
      return { monitor: new DriftMonitor({ storage: new MemoryStorage(), name: 'bench', reference: profileData(values), window: { rows: 1e9 }, quality }), features: rowsOf(values) };
    },
    operations: observed * columns,
    unit: 'µs',
    target: { atMost: 2 },
  });
}

/** A monitor of fifty columns: thirty of numbers, ten of categories, four of truth values, two each of dates, texts and vectors; and rows that moved a little. */
async function fullMonitor(inMemory: boolean): Promise<Watched> {
  const makes = [...new Array<'numbers'>(30).fill('numbers'), ...new Array<'categories'>(10).fill('categories'), ...new Array<'truth'>(4).fill('truth'), 'dates', 'dates', 'texts', 'texts', 'vectors', 'vectors'] as const;
  const columns = (mean: number): Record<string, ArrayLike<unknown>> =>
    Object.fromEntries(
      makes.map((make, i) => {
        if (make === 'numbers') return [`x${i}`, bell(observed, mean * i)];
        if (make === 'categories') return [`x${i}`, Array.from({ length: observed }, () => `c${Math.floor(random() * 50)}`)];
        if (make === 'truth') return [`x${i}`, Array.from({ length: observed }, () => random() < 0.1)];
        return [`x${i}`, { dates, texts, vectors }[make](observed)];
      }),
    );
  const directory = inMemory ? undefined : await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
  const storage = directory === undefined ? new MemoryStorage() : new FilesystemStorage(directory);
  const monitor = new DriftMonitor({ storage, name: 'bench', reference: profileData(columns(0)), window: { rows: 1e9 } });
  const end = async (): Promise<void> => {
    await monitor.close();
    await storage.close();
    if (directory !== undefined) await rm(directory, { recursive: true });
  };
  return { monitor, features: rowsOf(columns(0.01)), end };
}

function rowsOf(columns: Record<string, ArrayLike<unknown>>): Record<string, unknown>[] {
  return Array.from({ length: observed }, (_, row) => Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[row]])));
}

function observeAll(monitor: DriftMonitor, features: readonly Record<string, unknown>[]): void {
  for (const each of features) monitor.observe({ features: each });
}

async function labelledMonitor(): Promise<DriftMonitor> {
  const n = 1_000_000;
  const performance = { metric: 'auc', min: 0.7, maxLabelDelay: '365d', every: '365d' } as const;
  const reference = profileData({ x: bell(1000, 0), score: bell(1000, 0) }, { prediction: 'score' });
  const monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'bench', reference, window: { rows: 1e9 }, performance });
  for (let i = 0; i < n; i++) {
    const score = random();
    monitor.observe({ id: `request-${i}`, version: i % 3, features: { x: score }, prediction: score });
    // Labels come in another order than predictions.
    monitor.feedback({ id: `request-${(i * 611_953) % n}`, label: random() < 0.3 });
    if (i % 100_000 === 99_999) await monitor.flush();
  }
  await monitor.flush();
  return monitor;
}
