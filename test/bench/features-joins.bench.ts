import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { aggregate, featureView, FeatureStore, MemoryStorage } from 'modelkeep';
import { readFlights } from '../../examples/flight-delay/flights.ts';
import { forget, joinOf, query, start, uniform } from './feature-join.ts';
import { compare, measure, type Benchmark } from './harness.ts';

/** Twelve aggregates over five windows. */
const delays = featureView({
  name: 'delays',
  entity: ['origin'],
  timestamp: 'at',
  features: {
    mean_1h: aggregate.mean('delay', { window: '1h' }),
    count_1h: aggregate.count({ window: '1h' }),
    mean_6h: aggregate.mean('delay', { window: '6h' }),
    max_6h: aggregate.max('delay', { window: '6h' }),
    mean_1d: aggregate.mean('delay', { window: '1d' }),
    late_1d: aggregate.count({ window: '1d', where: { delay: { gt: 15 } } }),
    std_1d: aggregate.std('delay', { window: '1d' }),
    mean_7d: aggregate.mean('delay', { window: '7d' }),
    max_7d: aggregate.max('delay', { window: '7d' }),
    min_7d: aggregate.min('delay', { window: '7d' }),
    mean_30d: aggregate.mean('delay', { window: '30d' }),
    sum_30d: aggregate.sum('delay', { window: '30d' }),
  },
});

interface Flights {
  readonly storage: MemoryStorage;
  readonly delay: Float64Array;
  readonly spine: { origin: string[]; t: Float64Array };
}

/** The three million flights of vega-datasets, and as many moments as are asked for, each that of a flight somewhere among them. */
async function threeMillionFlights(moments: number): Promise<Flights> {
  const storage = new MemoryStorage();
  const store = new FeatureStore({ storage });
  await store.apply([delays]);
  const [origins, times, values]: [string[], Float64Array[], Float64Array[]] = [[], [], []];
  for await (const { origin, departure, delay } of readFlights()) {
    await store.ingest(delays, { origin, at: departure, delay });
    for (const each of origin) origins.push(each);
    times.push(departure);
    values.push(delay);
  }
  const [at, delay] = [joined(times), joined(values)];
  const random = uniform(2);
  const picked = Array.from({ length: moments }, () => Math.floor(random() * origins.length));
  return { storage, delay, spine: { origin: picked.map((i) => origins[i]!), t: Float64Array.from(picked, (i) => at[i]!) } };
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What a loop needs that only adds up twelve things over all flights, once, without keys, times and windows. */
function addedUp({ delay }: Flights): Float64Array {
  const sums = new Float64Array(12);
  for (let i = 0; i < delay.length; i++) for (let k = 0; k < 12; k++) sums[k]! += delay[i]! * k;
  return sums;
}

interface Ingest<Rows> {
  readonly rows: Rows;
  store: FeatureStore;
  leave(): Promise<void>;
}

interface Flight {
  readonly origin: string;
  readonly at: number;
  readonly delay: number;
}

const columnsOf = (rows: number): { origin: string[]; at: Float64Array; delay: Float64Array } => {
  const random = uniform(3);
  return {
    origin: Array.from({ length: rows }, () => `A${Math.floor(random() * 300)}`),
    at: Float64Array.from({ length: rows }, (_, i) => start + Math.floor((i / rows) * 180 * 1_440) * 60_000),
    delay: Float64Array.from({ length: rows }, () => Math.floor((random() * random() - 0.1) * 200)),
  };
};

function objectsOf(rows: number): Flight[] {
  const { origin, at, delay } = columnsOf(rows);
  return origin.map((each, i) => ({ origin: each, at: at[i]!, delay: delay[i]! }));
}

/** Each run ingests into a new directory, whose every write is flushed. */
function intoDirectory<Rows>(rows: () => Rows) {
  return {
    setup: (): Ingest<Rows> => ({ rows: rows(), store: undefined as unknown as FeatureStore, leave: () => Promise.resolve() }),
    async before(state: Ingest<Rows>) {
      await state.leave();
      const root = mkdtempSync(join(tmpdir(), 'modelkeep-bench-'));
      const storage = new FilesystemStorage(root);
      state.store = new FeatureStore({ storage });
      state.leave = async () => {
        await storage.close();
        rmSync(root, { recursive: true });
      };
      await state.store.apply([delays]);
    },
    teardown: (state: Ingest<Rows>) => state.leave(),
    unit: 'operations/s',
  } as const;
}

export const benchmarks: readonly Benchmark[] = [
  compare(
    'join 5M rows (50k keys) with 1M moments, first time, against a native sort of the same keys',
    query,
    ({ packed }) => packed.slice().sort(),
    {
      setup: () => joinOf(5_000_000, 50_000, 1_000_000),
      before: forget,
      runs: 5,
      target: { atMost: 1_700 },
    },
  ),
  compare(
    '3M flights, 12 aggregates of 5 windows at 300k moments, indexes included, against adding up twelve numbers of each flight',
    ({ storage, spine }: Flights) => new FeatureStore({ storage }).getHistoricalFeatures({ entities: spine, timestamp: 't', features: ['delays:*'] }),
    addedUp,
    { setup: () => threeMillionFlights(300_000), runs: 3, target: { atMost: 3_000 } },
  ),
  measure('ingest 1M rows from columns into a directory, flushed', ({ store, rows }) => store.ingest(delays, rows), {
    ...intoDirectory(() => columnsOf(1_000_000)),
    operations: 1_000_000,
    target: { atLeast: 1_000_000 },
  }),
  measure('ingest 300k rows from objects into a directory, flushed', ({ store, rows }) => store.ingest(delays, rows), {
    ...intoDirectory(() => objectsOf(300_000)),
    operations: 300_000,
    target: { atLeast: 300_000 },
  }),
];
