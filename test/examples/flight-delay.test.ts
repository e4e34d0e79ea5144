import { FeatureStore, MemoryStorage, Registry, Tracker } from 'modelkeep';
import { beforeAll, describe, expect, it } from 'vitest';
import { airportDelays, departureRequests, landingEvents } from '../../examples/flight-delay/airport-delays.ts';
import { evaluationPeriod, past, servingPeriod } from '../../examples/flight-delay/calendar.ts';
import { sampleFlights, seeded } from '../../examples/flight-delay/examples.ts';
import { FlightBook, landingEstimate, readFlights, type Flights } from '../../examples/flight-delay/flights.ts';
import { releaseSomethingWorse } from '../../examples/flight-delay/mishap.ts';
import { serve } from '../../examples/flight-delay/serving.ts';
import { SimulatedClock } from '../../examples/flight-delay/simulated-clock.ts';
import { ensureModel, train } from '../../examples/flight-delay/training.ts';

const flights = new FlightBook();
const never = new AbortController().signal;

beforeAll(async () => {
  for await (const group of readFlights()) {
    flights.add(group);
    if (group.departure.at(-1)! >= servingPeriod.end) return;
  }
});

async function storeOf(events: Iterable<Flights>, clock = new SimulatedClock(0)): Promise<FeatureStore> {
  const store = new FeatureStore({ storage: new MemoryStorage(), clock });
  await store.apply([airportDelays]);
  for (const group of events) await store.ingest('airport_delays', landingEvents(group));
  return store;
}

async function featuresOf(store: FeatureStore, asked: Flights): Promise<Record<string, ArrayLike<unknown>>> {
  const { columns } = await store.getHistoricalFeatures({ entities: departureRequests(asked), timestamp: 'departure', features: ['airport_delays:*'] });
  return columns;
}

describe('the features of flights', () => {
  it('do not change when everything that lands after the departures is moved and made worse', async () => {
    const now = evaluationPeriod.start + 36 * 3_600_000;
    const asked = sampleFlights(flights.departing({ start: now - 86_400_000, end: now }), 5_000, seeded(5));
    const landed = [...flights.landing({ start: now - 9 * 86_400_000, end: now })];
    const later = [...flights.landing({ start: now, end: now + 2 * 86_400_000 })];
    const worse = later.map((group) => ({ ...group, departure: group.departure.map((time) => time + 1_234_567), delay: group.delay.map((delay) => delay + 500) }));
    const expected = await featuresOf(await storeOf(landed), asked);
    expect(later.length).toBeGreaterThan(0);
    expect(await featuresOf(await storeOf([...landed, ...later]), asked)).toEqual(expected);
    expect(await featuresOf(await storeOf([...landed, ...worse]), asked)).toEqual(expected);
  });

  it('do not know the flight that they are asked for, nor any that is still in the air', async () => {
    const asked = sampleFlights(flights.departing(evaluationPeriod), 300, seeded(6));
    const store = await storeOf(flights.landing({ start: evaluationPeriod.start - 2 * 86_400_000, end: evaluationPeriod.end }));
    const { flights_1h: counted } = await featuresOf(store, asked);
    const all = [...flights.landing({ start: evaluationPeriod.start - 86_400_000, end: evaluationPeriod.end })];
    for (let row = 0; row < 300; row++) {
      const moment = asked.departure[row]!;
      const tail = Math.floor((moment - 3_600_000) / 300_000) * 300_000;
      let expected = 0;
      for (const group of all) {
        group.origin.forEach((origin, i) => {
          const landed = landingEstimate(group.departure[i]!, group.distance[i]!);
          if (origin === asked.origin[row] && landed >= tail && landed < moment) expected++;
        });
      }
      expect(counted![row]).toBe(expected === 0 ? null : expected);
    }
  });
});

describe('the life of the model', () => {
  it('goes on where a training was stopped, and sets its gates even when the model was made without them', async () => {
    const storage = new MemoryStorage();
    const store = new FeatureStore({ storage, clock: new SimulatedClock(0) });
    await store.apply([airportDelays]);
    for (const group of flights.landing({ start: evaluationPeriod.start - 8 * 86_400_000, end: past.end })) await store.ingest('airport_delays', landingEvents(group));
    const workshop = { storage, store, tracker: new Tracker({ storage }), registry: new Registry({ storage }), flights };
    await workshop.registry.createModel('flight-delay');
    await ensureModel(workshop.registry);
    expect((await workshop.registry.getModel('flight-delay')).policy.production).toHaveLength(2);

    const stop = new AbortController();
    const params = { rows: 60_000, epochs: 1, seed: 1 };
    await expect(
      train(workshop, params, stop.signal, (event) => {
        if (event.type === 'step-succeeded' && event.step === 'baseline') stop.abort(new Error('interrupted'));
      }),
    ).rejects.toThrow('interrupted');

    const started: string[] = [];
    const trained = await train(workshop, params, never, (event) => {
      if (event.type === 'step-started') started.push(event.step);
    });
    expect(trained).toMatchObject({ resumed: true, trainingRows: 60_000, run: { status: 'succeeded' } });
    expect(started).not.toContain('training set');
    expect(started).not.toContain('baseline');
  });

  it('goes from the features to production, serves what it was trained on, and comes back from a mishap', async () => {
    const storage = new MemoryStorage();
    const clock = new SimulatedClock(0);
    const store = new FeatureStore({ storage, clock });
    await store.apply([airportDelays]);
    for (const group of flights.landing({ start: evaluationPeriod.start - 8 * 86_400_000, end: past.end })) await store.ingest('airport_delays', landingEvents(group));
    const tracker = new Tracker({ storage });
    const registry = new Registry({ storage });
    await ensureModel(registry);
    await ensureModel(registry);

    const trained = await train({ storage, store, tracker, registry, flights }, { rows: 60_000, epochs: 1, seed: 1 }, never, () => undefined);
    expect(trained.run.status).toBe('succeeded');
    expect(trained.quality.network.auc).toBeGreaterThan(trained.quality.baseline.auc);
    expect((await registry.getModel('flight-delay')).production).toBe(trained.versions.network);
    expect((await tracker.metricHistory(trained.runs.network, 'loss')).steps.length).toBe(Math.ceil(60_000 / 512));

    const served = await serve({ store, registry, clock }, flights, 200, never, () => undefined);
    expect(served).toMatchObject({ version: trained.versions.network, requests: 200, differences: 0, values: 1_200 });

    const mishap = await releaseSomethingWorse(registry, trained.evaluation);
    expect(mishap.restored).toBe(trained.versions.network);
    expect(mishap.refusal).toContain('auc');
  });
});
