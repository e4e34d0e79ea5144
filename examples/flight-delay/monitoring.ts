import { DriftMonitor, profileData, type DriftVerdict, type FeatureStore, type Registry, type StorageAdapter } from 'modelkeep';
import { departureRequests } from './airport-delays.ts';
import { monthOf2001, trainingPeriod, type Period } from './calendar.ts';
import { sampleFlights, seeded } from './examples.ts';
import type { FlightBook, Flights } from './flights.ts';
import { hourOf, modelInputs } from './model-inputs.ts';
import { loadNetwork, type Predictor } from './network.ts';

/** What the model was asked in a period, and what it answered. */
interface Traffic {
  [column: string]: ArrayLike<unknown>;
  score: Float32Array;
}

const requestsPerMonth = 100_000;

/** Watches the model in production from February to July with January as the reference, a window a month. */
export async function* watch(
  { storage, store, registry }: { storage: StorageAdapter; store: FeatureStore; registry: Registry },
  flights: FlightBook,
  signal: AbortSignal,
  onProgress: (text: string) => void,
): AsyncGenerator<{ month: Period; verdict: DriftVerdict }> {
  const loaded = await registry.load('flight-delay@production');
  const predict = await loadNetwork(new TextDecoder().decode(await loaded.file('model.json')), await loaded.file('weights.bin'));
  onProgress('January becomes the reference');
  const january = await traffic(store, predict, flights.departing(trainingPeriod));
  // #region monitor
  const reference = profileData(january, { prediction: 'score' });
  await using monitor = new DriftMonitor({ storage, name: 'flight-delay', reference, window: { rows: 1_000_000 }, drift: { alpha: 0.05, minEffect: 0.1 } });
  for (const month of [2, 3, 4, 5, 6, 7].map(monthOf2001)) {
    signal.throwIfAborted();
    onProgress(`watching ${month.label}`);
    const { score, ...columns } = await traffic(store, predict, flights.departing(month));
    for (let row = 0; row < score.length; row++) {
      const features = Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[row]]));
      monitor.observe({ version: loaded.version.version, features, prediction: score[row] });
    }
    yield { month, verdict: await monitor.check({ close: true }) };
  }
  // #endregion monitor
}

/** A sample of a period's requests as the model saw them, with its answers. */
async function traffic(store: FeatureStore, predict: Predictor, flights: Flights): Promise<Traffic> {
  const asked = sampleFlights(flights, requestsPerMonth, seeded(1));
  const joined = await store.getHistoricalFeatures({ entities: departureRequests(asked), timestamp: 'departure', features: ['airport_delays:*'] });
  const { departure, ...features } = joined.columns;
  const score = predict(modelInputs({ departure: asked.departure, distance: asked.distance, features: joined.columns }));
  return { ...features, distance: asked.distance, hour: asked.departure.map((time) => Math.floor(hourOf(time))), score };
}
