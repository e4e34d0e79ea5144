import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { createFeatureHandler } from 'modelkeep/server';
import { aggregate, featureService, featureView, FeatureStore, MemoryStorage, type FeatureView, type StorageAdapter } from 'modelkeep';
import { day, forget, joinOf, query, start, uniform } from './feature-join.ts';
import { compare, measure, peakMemory, type Benchmark } from './harness.ts';

async function storeWith(view: FeatureView, clock?: { now: number }): Promise<FeatureStore> {
  const timer = { monotonic: () => performance.now(), setTimer: () => () => undefined };
  const store = new FeatureStore({ storage: new MemoryStorage(), ...(clock && { clock: { now: () => clock.now, ...timer } }) });
  await store.apply([view]);
  return store;
}

/** For the measure of memory: all of a join of a million rows with a hundred thousand moments, input included. */
export async function joinMillion(): Promise<void> {
  await query(await joinOf(1_000_000, 10_000, 100_000));
}

/** Only the making of the same input. */
export async function inputOfMillion(): Promise<void> {
  await joinOf(1_000_000, 10_000, 100_000);
}

const flights = featureView({
  name: 'flights',
  entity: ['origin'],
  timestamp: 'at',
  features: {
    mean_1h: aggregate.mean('delay', { window: '1h' }),
    mean_6h: aggregate.mean('delay', { window: '6h' }),
    mean_1d: aggregate.mean('delay', { window: '1d' }),
    late_1d: aggregate.count({ window: '1d', where: { delay: { gt: 15 } } }),
  },
});
const airports = Array.from({ length: 300 }, (_, i) => `A${i}`);

function flightColumns(rows: number) {
  const random = uniform(2);
  return {
    origin: Array.from({ length: rows }, () => airports[Math.floor(random() * random() * 300)]!),
    at: Float64Array.from({ length: rows }, (_, i) => start + Math.floor(((i / rows) * 180 * day) / 60_000) * 60_000 + Math.floor(random() * 300) * 60_000),
    delay: Float64Array.from({ length: rows }, () => Math.floor((random() * random() - 0.1) * 200)),
  };
}

interface Flights {
  readonly columns: ReturnType<typeof flightColumns>;
  readonly store: FeatureStore;
  readonly clock: { now: number };
}

async function flightStore(rows: number): Promise<Flights> {
  const clock = { now: start + 90 * day };
  const store = await storeWith(flights, clock);
  const columns = flightColumns(rows);
  await store.ingest(flights, columns);
  return { columns, store, clock };
}

async function onlineStore(): Promise<Flights> {
  const state = await flightStore(300_000);
  await state.store.materialize(flights, { end: state.clock.now });
  return state;
}

const readOnline = (size: number) => ({ store, clock }: Flights) => {
  clock.now += 1;
  return store.getOnlineFeatures({ entities: airports.slice(0, size).map((origin) => ({ origin })), features: ['flights:*'] });
};

const recent = featureView({
  name: 'recent',
  entity: ['key'],
  timestamp: 'at',
  features: { value: 'float64', mean_1d: aggregate.mean('value', { window: '1d' }), count_7d: aggregate.count({ window: '7d' }) },
});

interface Materializing {
  readonly columns: { readonly key: Float64Array; readonly at: Float64Array; readonly value: Float64Array };
  readonly kind: 'memory' | 'directory';
  readonly view: FeatureView;
  store: FeatureStore;
  /** Undoes what the last run left. */
  leave(): Promise<void>;
}

/** Rows over ninety days. */
function ninetyDays(rows: number, keys: number): Materializing['columns'] {
  const random = uniform(4);
  return {
    key: Float64Array.from({ length: rows }, () => Math.floor(random() * keys)),
    at: Float64Array.from({ length: rows }, (_, i) => start + Math.floor((i / rows) * 90 * day + random() * day)),
    value: Float64Array.from({ length: rows }, () => random()),
  };
}

const longWindowed = { name: 'lasting', entity: ['key'], timestamp: 'at' } as const;
const longFeatures = { value: 'float64', mean_30d: aggregate.mean('value', { window: '30d' }), spent: aggregate.sum('value', { window: 'lifetime' }), most: aggregate.max('value', { window: 'lifetime' }) } as const;
/** Features of long windows, whose old rows are folded online. */
const lasting = featureView({ ...longWindowed, features: longFeatures });
/** The same beside one that needs all rows, so that none is folded. */
const unfolded = featureView({ ...longWindowed, name: 'unfolded', features: { ...longFeatures, spread: aggregate.std('value', { window: 'lifetime' }) } });
const lastingFeatures = Object.keys(longFeatures);

interface LongWindows {
  readonly store: FeatureStore;
  readonly clock: { now: number };
  readonly keys: number;
}

/** A store where both views have the same rows online, those of one folded. */
async function longWindows(rows: number, keys: number): Promise<LongWindows> {
  const clock = { now: start + 91 * day };
  const timer = { monotonic: () => performance.now(), setTimer: () => () => undefined };
  const how = { storage: new MemoryStorage(), clock: { now: () => clock.now, ...timer } };
  const store = new FeatureStore(how);
  await store.apply([lasting, unfolded]);
  const columns = ninetyDays(rows, keys);
  for (const view of [lasting, unfolded]) await store.ingest(view, columns);
  clock.now += 120_000;
  for (const view of [lasting, unfolded]) await store.materialize(view);
  return { store: new FeatureStore({ ...how, cacheBytes: 1 }), clock, keys };
}

/** A read of one entity by an instance that keeps no records: as after each change of the entity's own. */
const readLasting =
  (view: FeatureView) =>
  ({ store, clock, keys }: LongWindows) => {
    clock.now += 1_000;
    return store.getOnlineFeatures({ entities: [{ key: clock.now % keys }], features: lastingFeatures.map((name) => `${view.name}:${name}`) });
  };

/** A million rows over ninety days, in a new store for each run. */
function millionRows(keys: number, kind: 'memory' | 'directory', view: FeatureView = recent) {
  const rows = 1_000_000;
  return {
    setup(): Materializing {
      return { columns: ninetyDays(rows, keys), kind, view, store: undefined as unknown as FeatureStore, leave: () => Promise.resolve() };
    },
    async before(state: Materializing) {
      await state.leave();
      const root = kind === 'directory' ? mkdtempSync(join(tmpdir(), 'modelkeep-bench-')) : undefined;
      const storage = root === undefined ? new MemoryStorage() : new FilesystemStorage(root);
      // What was ingested long ago is folded.
      let now = start + 91 * day;
      state.store = new FeatureStore({ storage, clock: { now: () => now, monotonic: () => performance.now(), setTimer: () => () => undefined } });
      state.leave = async () => {
        await storage.close();
        if (root !== undefined) rmSync(root, { recursive: true });
      };
      await state.store.apply([view]);
      await state.store.ingest(view, state.columns);
      now += 120_000;
    },
    teardown: (state: Materializing) => state.leave(),
    operations: rows,
    unit: 'operations/s',
    runs: 3,
    warmup: 1,
  } as const;
}

const materializeAll = ({ store, view }: Materializing) => store.materialize(view, { end: start + 91 * day });

const ten = Array.from({ length: 10 }, (_, i) => i);
/** Fifty features of five views, four of them of columns and one of aggregates. */
const wide = [0, 1, 2, 3, 4].map((v) =>
  featureView({
    name: `wide_${v}`,
    entity: ['id'],
    timestamp: 'at',
    ttl: '30d',
    features: Object.fromEntries(ten.map((f) => [`f${v}_${f}`, v < 4 ? 'float64' : aggregate.mean(`x${f}`, { window: '1d' })])),
  }),
);
const wideColumns = (v: number): string[] => ten.map((f) => (v < 4 ? `f${v}_${f}` : `x${f}`));
const wideEntities = 1_000;

interface Wide {
  readonly storage: StorageAdapter;
  readonly store: FeatureStore;
  readonly handler: (request: Request) => Promise<Response>;
  /** Values by view and entity: what a program would hold that kept nothing but them. */
  readonly plain: ReadonlyMap<string, Readonly<Record<string, number>>>;
  readonly random: () => number;
  close(): Promise<void>;
}

/** Each entity has ten rows of each view within the last day. */
async function wideStore(kind: 'memory' | 'directory'): Promise<Wide> {
  const root = kind === 'directory' ? mkdtempSync(join(tmpdir(), 'modelkeep-bench-')) : undefined;
  const storage = root === undefined ? new MemoryStorage() : new FilesystemStorage(root);
  const store = new FeatureStore({ storage });
  await store.apply([...wide, featureService({ name: 'wide', features: wide.map(({ name }) => `${name}:*`) })]);
  const random = uniform(5);
  const now = Date.now();
  const plain = new Map<string, Record<string, number>>();
  for (const [v, view] of wide.entries()) {
    const size = wideEntities * 10;
    const id = Float64Array.from({ length: size }, (_, i) => i % wideEntities);
    const columns = Object.fromEntries(wideColumns(v).map((name) => [name, Float64Array.from({ length: size }, () => random())]));
    await store.ingest(view, { id, at: Float64Array.from({ length: size }, (_, i) => now - 10 * 3_600_000 + Math.floor(i / wideEntities) * 3_600_000), ...columns });
    await store.materialize(view);
    for (let e = 0; e < wideEntities; e++) plain.set(`${view.name}/${e}`, Object.fromEntries(wideColumns(v).map((name) => [name, columns[name]![size - wideEntities + e]!])));
  }
  const close = async (): Promise<void> => {
    await storage.close();
    if (root !== undefined) rmSync(root, { recursive: true });
  };
  return { storage, store, handler: createFeatureHandler(store, { authorize: 'public' }), plain, random, close };
}

function anyEntities({ random }: Wide, size: number): { id: number }[] {
  return Array.from({ length: size }, () => ({ id: Math.floor(random() * wideEntities) }));
}

const readWide = (size: number) => (state: Wide) => state.store.getOnlineFeatures({ entities: anyEntities(state, size), features: 'wide' });

/** The same answer from a map. */
const readPlain = (size: number) => (state: Wide) => {
  const entities = anyEntities(state, size);
  const columns: Record<string, number[]> = {};
  const statuses: Record<string, string[]> = {};
  for (const [v, { name }] of wide.entries()) {
    const found = entities.map(({ id }) => state.plain.get(`${name}/${id}`)!);
    for (const column of wideColumns(v)) {
      columns[column] = found.map((values) => values[column]!);
      statuses[column] = found.map(() => 'PRESENT');
    }
  }
  return { columns, statuses };
};

async function handleWide(state: Wide): Promise<string> {
  const body = JSON.stringify({ feature_service: 'wide', entities: { id: anyEntities(state, 100).map(({ id }) => id) } });
  return (await state.handler(new Request('http://features.test/get-online-features', { method: 'POST', headers: { 'content-type': 'application/json' }, body }))).text();
}

const json = (answer: Promise<unknown>): Promise<string> => answer.then((each) => JSON.stringify(each));

/** The slowest of a hundred, by the clock or by the time of the processor alone, against that of what it is compared with. */
function p99(name: string, subject: (state: Wide) => unknown, baseline: (state: Wide) => unknown, kind: 'memory' | 'directory', by: 'clock' | 'processor', atMost: number): Benchmark {
  const runs = 3_000;
  const microseconds = (): number => {
    if (by === 'clock') return performance.now() * 1_000;
    const { user, system } = process.cpuUsage();
    return user + system;
  };
  return {
    name,
    async run() {
      const state = await wideStore(kind);
      try {
        const times = [new Float64Array(runs), new Float64Array(runs)];
        for (let i = -300; i < runs; i++) {
          for (const [k, each] of [subject, baseline].entries()) {
            const begin = microseconds();
            await each(state);
            if (i >= 0) times[k]![i] = microseconds() - begin;
          }
        }
        const [own, other] = times.map((each) => each.sort()) as [Float64Array, Float64Array];
        const value = own[Math.floor(runs * 0.99)]!;
        const reference = other[Math.floor(runs * 0.99)]!;
        return { value, unit: 'µs', fastest: own[0]!, slowest: own.at(-1)!, runs, baseline: reference, ratio: value / reference, target: { atMost } };
      } finally {
        await state.close();
      }
    },
  };
}

/** Reads of one entity by new instances, each of which has the definitions and no record yet; or once more, by one that has it. The median, or the slowest of a hundred. */
function readsOf(which: 'first' | 'later', kind: 'memory' | 'directory', share: number, atMost?: number): Benchmark {
  const name = `50 online features of 1 entity, ${kind === 'memory' ? 'in memory' : 'in a directory'}, ${which === 'first' ? 'not held yet' : 'held'}${share === 0.5 ? '' : ', the slowest of a hundred'} (a read of maps)`;
  const rounds = 4;
  return {
    name,
    async run() {
      const state = await wideStore(kind);
      try {
        const [times, others]: [number[], number[]] = [[], []];
        for (let round = 0; round < rounds; round++) {
          const store = new FeatureStore({ storage: state.storage });
          const read = (id: number) => store.getOnlineFeatures({ entities: [{ id }], features: 'wide' });
          await read(0);
          if (which === 'later') for (let id = 1; id < wideEntities; id++) await read(id);
          for (let id = 1; id < wideEntities; id++) {
            const begin = performance.now();
            await read(id);
            const between = performance.now();
            readPlain(1)(state);
            // The first round is that in which everything is compiled.
            if (round > 0) {
              times.push((between - begin) * 1_000);
              others.push((performance.now() - between) * 1_000);
            }
          }
        }
        const [own, other] = [times, others].map((each) => Float64Array.from(each).sort()) as [Float64Array, Float64Array];
        const [value, reference] = [own, other].map((each) => each[Math.floor(each.length * share)]!) as [number, number];
        return { value, unit: 'µs', fastest: own[0]!, slowest: own.at(-1)!, runs: own.length, baseline: reference, ratio: value / reference, ...(atMost !== undefined && { target: { atMost } }) };
      } finally {
        await state.close();
      }
    },
  };
}

const wideIn = (kind: 'memory' | 'directory') => ({ setup: () => wideStore(kind), teardown: (state: Wide) => state.close(), runs: 301, warmup: 50 });

export const benchmarks: readonly Benchmark[] = [
  compare('join 1M rows (10k keys) with 100k moments, first time, against a native sort of the same keys', query, ({ packed }) => packed.slice().sort(), {
    setup: () => joinOf(1_000_000, 10_000, 100_000),
    before: forget,
    target: { atMost: 300 },
  }),
  compare('join 1M rows (10k keys) with 100k moments, again, against a native sort of the moments', query, ({ spine }) => spine.t.slice().sort(), {
    setup: () => joinOf(1_000_000, 10_000, 100_000),
    target: { atMost: 30 },
  }),
  peakMemory('join 1M rows with 100k moments, rows and moments included', import.meta.url, 'joinMillion', { target: { atMost: 150 } }),
  peakMemory('the rows of that join ingested, without joining', import.meta.url, 'inputOfMillion'),
  measure(
    '3M events, 500k moments, 4 windowed aggregates, indexes included',
    async ({ store, columns }: Flights) => {
      const random = uniform(3);
      const t = Float64Array.from({ length: 500_000 }, () => start + Math.floor(random() * 30 * day));
      const fresh = new FeatureStore({ storage: (store as unknown as { bench: MemoryStorage }).bench });
      await fresh.getHistoricalFeatures({ entities: { origin: columns.origin.slice(0, 500_000), t }, timestamp: 't', features: ['flights:*'] });
    },
    {
      async setup() {
        const storage = new MemoryStorage();
        const store = Object.assign(new FeatureStore({ storage }), { bench: storage });
        await store.apply([flights]);
        const columns = flightColumns(3_000_000);
        await store.ingest(flights, columns);
        return { store, columns, clock: { now: 0 } };
      },
      runs: 3,
      target: { atMost: 1_500 },
    },
  ),
  measure('ingest from columns', async ({ columns }: Flights) => (await storeWith(flights)).ingest(flights, columns), {
    setup: () => flightStore(1_000_000),
    operations: 1_000_000,
    unit: 'operations/s',
    target: { atLeast: 1_000_000 },
  }),
  measure('ingest from row objects', async (rows: { origin: string; at: number; delay: number }[]) => (await storeWith(flights)).ingest(flights, rows), {
    setup() {
      const { origin, at, delay } = flightColumns(300_000);
      return origin.map((name, i) => ({ origin: name, at: at[i]!, delay: delay[i]! }));
    },
    operations: 300_000,
    unit: 'operations/s',
    target: { atLeast: 300_000 },
  }),
  measure('materialize 1M rows of 300 entities, in memory', materializeAll, { ...millionRows(300, 'memory'), target: { atLeast: 200_000 } }),
  measure('materialize 1M rows of 10,000 entities, in memory', materializeAll, { ...millionRows(10_000, 'memory'), target: { atLeast: 200_000 } }),
  measure('materialize 1M rows of 10,000 entities, in a directory, flushed', materializeAll, { ...millionRows(10_000, 'directory'), target: { atLeast: 200_000 } }),
  measure('materialize 1M rows of 300 entities, folded into tiles, in memory', materializeAll, { ...millionRows(300, 'memory', lasting), target: { atLeast: 200_000 } }),
  compare('4 online features of 1 entity of 3,000 rows, from tiles (from rows)', readLasting(lasting), readLasting(unfolded), { setup: () => longWindows(300_000, 100), runs: 301, warmup: 50, unit: 'µs' }),
  measure('4 online features of 1 entity, in memory', readOnline(1), { setup: onlineStore, runs: 301, warmup: 50, unit: 'µs', target: { atMost: 300 } }),
  measure('4 online features of 100 entities, in memory', readOnline(100), { setup: onlineStore, runs: 101, warmup: 10, target: { atMost: 3 } }),
  compare('50 online features of 1 entity, in memory (a read of maps)', readWide(1), readPlain(1), { ...wideIn('memory'), runs: 2_001, unit: 'µs', target: { atMost: 300 } }),
  p99('50 online features of 1 entity, in memory, the slowest of a hundred (a read of maps)', readWide(1), readPlain(1), 'memory', 'clock', 300),
  p99('50 online features of 1 entity, in memory, the slowest of a hundred, time of the processor (a read of maps)', readWide(1), readPlain(1), 'memory', 'processor', 300),
  compare('50 online features of 1 entity, in a directory (a read of maps)', readWide(1), readPlain(1), { ...wideIn('directory'), runs: 2_001, unit: 'µs', target: { atMost: 2_000 } }),
  p99('50 online features of 1 entity, in a directory, the slowest of a hundred (a read of maps)', readWide(1), readPlain(1), 'directory', 'clock', 2_000),
  ...(['memory', 'directory'] as const).flatMap((kind) => (['first', 'later'] as const).flatMap((which) => [readsOf(which, kind, 0.5), readsOf(which, kind, 0.99, kind === 'memory' ? 300 : 2_000)])),
  compare('50 online features of 100 entities, in memory, as JSON (a read of maps, as JSON)', (state: Wide) => json(readWide(100)(state)), (state: Wide) => JSON.stringify(readPlain(100)(state)), { ...wideIn('memory'), target: { atMost: 3 } }),
  compare('50 online features of 100 entities, in a directory, as JSON (a read of maps, as JSON)', (state: Wide) => json(readWide(100)(state)), (state: Wide) => JSON.stringify(readPlain(100)(state)), wideIn('directory')),
  compare('50 online features of 100 entities by createFeatureHandler (a read of maps, as JSON)', handleWide, (state: Wide) => JSON.stringify(readPlain(100)(state)), { ...wideIn('memory'), target: { atMost: 3 } }),
];
