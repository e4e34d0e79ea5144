import type { FeatureStore } from 'modelkeep';
import { departureRequests } from './airport-delays.ts';
import { takeFlights, type Flights } from './flights.ts';
import { modelInputs } from './model-inputs.ts';

/** Flights as a model learns or is judged on them. */
export interface LabelledExamples {
  /** Row-major, `modelColumns` wide. */
  inputs: Float32Array;
  rows: number;
  /** 1 where the flight was late. */
  labels: Float32Array;
  departure: Float64Array;
}

const lateMinutes = 15;

// #region join
/** Examples as they would have been seen at each departure: the features of the origin joined without a look into the future, and what came true. */
export async function labelledExamples(store: FeatureStore, flights: Flights, signal?: AbortSignal): Promise<LabelledExamples> {
  const { columns, rowCount } = await store.getHistoricalFeatures({
    entities: departureRequests(flights),
    timestamp: 'departure',
    features: ['airport_delays:*'],
    signal,
  });
  const { values } = modelInputs({ departure: flights.departure, distance: flights.distance, features: columns });
  return { inputs: values, rows: rowCount, labels: lateLabels(flights), departure: flights.departure };
}
// #endregion join

/** 1 for each flight that arrived more than 15 minutes late. */
export function lateLabels(flights: Flights): Float32Array {
  return Float32Array.from(flights.delay, (delay) => (delay > lateMinutes ? 1 : 0));
}

/** At most `count` of the flights, drawn without putting back and in random order, the same for the same `random`. */
export function sampleFlights(flights: Flights, count: number, random: () => number): Flights {
  const rows = Array.from(flights.departure.keys());
  const size = Math.min(count, rows.length);
  for (let i = 0; i < size; i++) {
    const other = i + Math.floor(random() * (rows.length - i));
    [rows[i], rows[other]] = [rows[other]!, rows[i]!];
  }
  return takeFlights(flights, rows.slice(0, size));
}

/** A seeded source of numbers in [0, 1), good enough to shuffle (a 32-bit linear congruential generator with the constants of Numerical Recipes). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
