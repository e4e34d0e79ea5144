import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aggregate, FeatureStore, featureService, featureView, MemoryStorage, onDemandView, type SkewReport } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { simulatedClock } from '../simulated-clock.ts';

const directory = 'node_modules/vega-datasets';
const flights = (JSON.parse(readFileSync(join(directory, 'data/flights-2k.json'), 'utf8')) as { date: string; delay: number; distance: number; origin: string }[])
  .map((flight) => ({ ...flight, at: Date.parse(`${flight.date.replaceAll('/', '-').replace(' ', 'T')}:00Z`) }))
  .sort((a, b) => a.at - b.at)
  .slice(0, 300)
  // Each at a moment of its own.
  .map((flight, i) => ({ ...flight, at: flight.at + i * 10 }));
const ask = flights.map(({ at }) => at - 5);

const delays = featureView({
  name: 'airport_delays', entity: ['origin'], timestamp: 'at', ttl: '3d',
  features: { delay: { type: 'float64', default: 0 }, mean_1d: aggregate.mean('delay', { window: '1d' }), late_7d: aggregate.count({ window: '7d', where: { delay: { gt: 15 } } }) },
});
const requestWith = (log: (x: number) => number) => onDemandView({
  name: 'request', version: '1', inputs: { mean: delays.feature('mean_1d') }, request: { distance: 'float64' }, features: { log_distance: 'float64', busy: 'bool' },
  compute: ({ distance, mean }) => ({ log_distance: distance === null ? null : log(distance), busy: mean !== null && mean > 20 }),
});
const service = featureService({ name: 'delay_v1', features: ['airport_delays:*', 'request:*'] });

/** Three months of flights, ingested as they come and asked for before each departure, by two processes; a hub's rows may not be brought online from a day on. */
async function serve({ stale, otherFunction, from }: { stale?: string; otherFunction?: boolean; from: number }) {
  const storage = new MemoryStorage();
  const clock = { ...simulatedClock(ask[0]!), setTimer: () => () => undefined };
  const make = (log: (x: number) => number) => new FeatureStore({ storage, clock, servingLog: { sample: 1, flushInterval: '1h' }, onDemand: [requestWith(log)] });
  const good = make(Math.log1p);
  const bad = make(otherFunction ? Math.log : Math.log1p);
  await good.apply([delays, requestWith(Math.log1p), service]);
  for (const [i, flight] of flights.entries()) {
    clock.set(ask[i]!);
    const server = i % 2 === 0 || i < from ? good : bad;
    await server.getOnlineFeatures({ entities: [{ origin: flight.origin, distance: flight.distance }], features: 'delay_v1' });
    clock.set(flight.at);
    await good.ingest(delays, [{ origin: flight.origin, at: flight.at, delay: flight.delay }], { online: !(i >= from && flight.origin === stale), batchId: `${i}` });
  }
  await good.flush();
  await bad.flush();
  return { store: good, storage, clock };
}

const of = (report: SkewReport, name: string) => report.features.find((feature) => feature.name === name)!;

const healthy = once(() => serve({ from: 0 }));

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

describe('what flights were served', () => {
  it('is what training computes, to the last bit, while nothing is wrong', async () => {
    const { store } = await healthy();
    const report = await store.checkSkew('delay_v1');
    expect(report).toMatchObject({ status: 'equal', rows: 300, truncated: false, notServed: [], notAsked: [], versions: [], failures: [], from: ask[0], to: ask[299] });
    expect(report.summary).toBe('All 5 features agree in 300 rows.');
    for (const feature of report.features) expect(feature).toMatchObject({ status: 'equal', mismatch: 0, missing: 0, extra: 0, causes: {}, examples: [], reason: 'all 300 rows are equal' });
    expect(of(report, 'mean_1d')).toMatchObject({ smape: 0, absolute: { mean: 0, max: 0 }, distribution: { status: 'stable' } });
    expect(of(report, 'delay')).toMatchObject({ rows: 300, compared: 300 });
    expect(of(report, 'mean_1d').compared).toBeLessThan(300);
  });

  it('tells of an online record that is not kept up', async () => {
    const { store, clock } = await serve({ stale: 'LAX', from: 100 });
    const report = await store.checkSkew('delay_v1');
    expect(report.status).toBe('skewed');
    expect(report.summary).toMatch(/^[34] of 5 features skewed in 300 rows: .*served of an online record that lacked rows/);
    const delay = of(report, 'delay');
    expect(Object.keys(delay.causes)).toEqual(['stale']);
    expect(delay.examples.length).toBe(5);
    for (const example of delay.examples) expect(example).toMatchObject({ cause: 'stale', entity: { origin: 'LAX' } });
    // What was computed on demand inherits the cause of what went in.
    expect(Object.keys(of(report, 'busy').causes)).toEqual(of(report, 'busy').mismatch > 0 ? ['stale'] : []);
    expect(of(report, 'log_distance').status).toBe('equal');
    // Brought online later, what is served from then on is right.
    await store.materialize(delays);
    clock.set(clock.now() + 1000);
    await store.getOnlineFeatures({ entities: [{ origin: 'LAX', distance: 1 }], features: 'delay_v1' });
    await store.flush();
    expect(await store.checkSkew('delay_v1', { from: flights[299]!.at + 1 })).toMatchObject({ rows: 1, status: 'equal' });
  });

  it('tells of a function that was changed without another version', async () => {
    const { store } = await serve({ otherFunction: true, from: 0 });
    const report = await store.checkSkew('delay_v1');
    expect(report.status).toBe('skewed');
    expect(report.features.filter(({ status }) => status === 'skewed').map(({ name }) => name)).toEqual(['log_distance']);
    const feature = of(report, 'log_distance');
    expect(feature).toMatchObject({ mismatch: 150, causes: { function: 150 }, missing: 0, extra: 0 });
    expect(feature.reason).toMatch(/^150 of 300 rows differ: 150 of an on-demand function that gave something else for the same inputs; at most 0\.0/);
    expect(feature.absolute!.max).toBeCloseTo(Math.log1p(1 / Math.min(...flights.filter((_, i) => i % 2 === 1).map(({ distance }) => distance))), 10);
    // As much apart as that is may be.
    expect((await store.checkSkew('delay_v1', { tolerance: { log_distance: 0.01 } })).status).toBe('equal');
    expect((await store.checkSkew('delay_v1', { maxDifferent: 0.5 })).status).toBe('equal');
  });

  it('names other versions, and another default under them', async () => {
    const { store } = await serve({ from: 0 });
    const next = featureView({
      name: 'airport_delays', entity: ['origin'], timestamp: 'at', ttl: '3d',
      features: { delay: { type: 'float64', default: -1 }, mean_1d: aggregate.mean('delay', { window: '1d' }), late_7d: aggregate.count({ window: '7d', where: { delay: { gt: 5 } } }) },
    });
    await store.apply([next, service], { force: true });
    const report = await store.checkSkew('delay_v1');
    expect(report.versions).toEqual([
      { kind: 'feature-service', name: 'delay_v1', served: 1, replayed: 2, rows: 300 },
      { kind: 'feature-view', name: 'airport_delays', served: 1, replayed: 2, rows: 300 },
    ]);
    expect(report.summary).toContain('300 rows served by airport_delays@1, which is 2 now.');
    expect(Object.keys(of(report, 'delay').causes)).toEqual(['default']);
    expect(of(report, 'delay').examples[0]).toMatchObject({ served: 0, replayed: -1, status: expect.stringMatching('NOT_FOUND|OUTSIDE_MAX_AGE') as string });
    expect(Object.keys(of(report, 'late_7d').causes)).toEqual(['version']);
    expect(of(report, 'mean_1d').status).toBe('equal');
    expect(await store.checkSkew('delay_v1@1')).toMatchObject({ status: 'equal', versions: [], rows: 300 });
    expect((await store.checkSkew('delay_v1@2')).status).toBe('unjudged');
  });

  it('is not to blame for rows that came later, and tells how many these explain', async () => {
    const { store, clock } = await serve({ stale: 'LAX', from: 150 });
    const before = await store.checkSkew('delay_v1');
    clock.set(clock.now() + 1000);
    const late = flights.filter(({ origin }) => origin === 'ORD').map(({ at }) => ({ origin: 'ORD', at: at - 60_000, delay: 500 }));
    await store.ingest(delays, late);
    const report = await store.checkSkew('delay_v1');
    const feature = of(report, 'mean_1d');
    expect(feature.causes.stale).toBe(of(before, 'mean_1d').causes.stale);
    expect(feature.causes.late).toBeGreaterThan(3);
    // What is someone's fault is shown first.
    expect(feature.examples[0]).toMatchObject({ cause: 'stale' });
    expect(of(report, 'late_7d').reason).toContain('explained by rows that were ingested later');
    const calm = await store.checkSkew('delay_v1', { to: flights[149]!.at });
    expect(calm).toMatchObject({ status: 'late', rows: 150 });
    expect(calm.summary).toContain('differ only by rows that were ingested after serving');
  });

  it('is compared with what a model was trained on', async () => {
    const { store } = await healthy();
    const reference = { delay: Float64Array.from({ length: 500 }, (_, i) => 200 + (i % 50)), label: Float64Array.from({ length: 500 }, (_, i) => i % 2) };
    const report = await store.checkSkew('delay_v1', { reference });
    expect(report).toMatchObject({ status: 'equal', reference: { driftedColumns: ['delay'] } });
    expect(report.reference!.columns.map(({ name }) => name).sort()).toEqual(['busy', 'delay', 'late_7d', 'log_distance', 'mean_1d']);
    expect(of(report, 'delay').againstReference).toMatchObject({ status: 'drifted' });
    expect(report.summary).toContain('Against the reference: 1 of');
  });
});
