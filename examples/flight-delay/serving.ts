import type { FeatureStore, Registry } from 'modelkeep';
import { departureRequests, landingEvents } from './airport-delays.ts';
import { servingPeriod } from './calendar.ts';
import { lateLabels } from './examples.ts';
import { takeFlights, type FlightBook } from './flights.ts';
import { modelInputs } from './model-inputs.ts';
import { loadNetwork } from './network.ts';
import { qualityOf, type Quality } from './quality.ts';
import type { SimulatedClock } from './simulated-clock.ts';

/** How an hour of requests went. */
export interface ServingReport {
  version: number;
  requests: number;
  /** Feature values that differed between the online store and the point-in-time join. */
  differences: number;
  values: number;
  quality: Quality;
  /** Milliseconds from the request to the answer, features included. */
  latency: { median: number; p99: number };
}

/**
 * Answers requests minute by minute, each at the moment of its departure, while landings come in; then compares every feature that was served with what the
 * point-in-time join gives for the same moment.
 */
export async function serve(
  { store, registry, clock }: { store: FeatureStore; registry: Registry; clock: SimulatedClock },
  flights: FlightBook,
  requests: number,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<ServingReport> {
  // #region load
  const loaded = await registry.load('flight-delay@production');
  const predict = await loadNetwork(new TextDecoder().decode(await loaded.file('model.json')), await loaded.file('weights.bin'));
  // #endregion load

  clock.moveTo(servingPeriod.start);
  await store.materialize('airport_delays', { end: servingPeriod.start });

  const departures = flights.departing(servingPeriod);
  const asked = takeFlights(departures, Array.from({ length: Math.min(requests, departures.departure.length) }, (_, row) => row));
  const online: Record<string, unknown[]> = {};
  const scores: number[] = [];
  const latencies: number[] = [];
  for (let row = 0; row < asked.departure.length; row++) {
    signal.throwIfAborted();
    const departure = asked.departure[row]!;
    while (clock.now() < departure) {
      const minute = { start: clock.now(), end: clock.now() + 60_000 };
      for (const landed of flights.landing(minute)) await store.ingest('airport_delays', landingEvents(landed), { online: true });
      clock.moveTo(minute.end);
    }
    const start = performance.now();
    // #region online
    const { columns } = await store.getOnlineFeatures({ entities: [{ origin: asked.origin[row]! }], features: ['airport_delays:*'] });
    const [score] = predict(modelInputs({ departure: [departure], distance: [asked.distance[row]!], features: columns }));
    // #endregion online
    latencies.push(performance.now() - start);
    scores.push(score!);
    for (const [name, [value]] of Object.entries(columns)) (online[name] ??= []).push(value);
    if (row % 100 === 99) onProgress(row + 1);
  }

  const offline = await store.getHistoricalFeatures({ entities: departureRequests(asked), timestamp: 'departure', features: ['airport_delays:*'] });
  const features = Object.keys(online).filter((name) => name !== 'origin');
  let differences = 0;
  for (const name of features) online[name]!.forEach((value, row) => (differences += Object.is(value, offline.columns[name]![row]) ? 0 : 1));
  latencies.sort((a, b) => a - b);
  return {
    version: loaded.version.version,
    requests: scores.length,
    differences,
    values: scores.length * features.length,
    quality: qualityOf(scores, lateLabels(asked)),
    latency: { median: latencies[Math.floor(latencies.length / 2)]!, p99: latencies[Math.floor(latencies.length * 0.99)]! },
  };
}
