import type { FeatureStore } from 'modelkeep';
import { lateLabels, sampleFlights, seeded } from '../flight-delay/examples.ts';
import { landingEstimate, type FlightBook, type Flights } from '../flight-delay/flights.ts';
import { hourOf } from '../flight-delay/model-inputs.ts';
import type { FlightRow } from './logistic-model.ts';

/** When the features of a flight are looked up: at its departure, as when it is served, or at its landing, when they know how late it was. */
export type JoinMoment = 'departure' | 'landing';

/** Flights with what is known of them. */
export interface LabelledRows {
  readonly rows: readonly FlightRow[];
  /** 1 where the flight was late. */
  readonly labels: Float32Array;
  readonly departure: Float64Array;
}

/** At most `count` of the flights that depart within a period, the same each time. */
export function someFlights(flights: FlightBook, period: { readonly start: number; readonly end: number }, count: number): Flights {
  return sampleFlights(flights.departing(period), count, seeded(period.start / 3_600_000));
}

// #region join
/** The flights with the features of their origin, as they were known at a moment of each flight, and with what came true. */
export async function labelledRows(store: FeatureStore, flights: Flights, moment: JoinMoment, signal?: AbortSignal): Promise<LabelledRows> {
  const { departure, distance, origin } = flights;
  // A minute behind its landing, the window that ends there has the flight itself.
  const at = moment === 'departure' ? departure : departure.map((time, i) => landingEstimate(time, distance[i]!) + 300_000);
  const { columns } = await store.getHistoricalFeatures({ entities: { origin, at }, timestamp: 'at', features: ['airport_delays:*'], signal });
  const names = ['delay_mean_1h', 'delay_mean_6h', 'delay_mean_1d', 'flights_1d', 'late_1d'] as const;
  const rows = origin.map((_, i) => {
    const features = Object.fromEntries(names.map((name) => [name, columns[name]![i] as number | null])) as Record<(typeof names)[number], number | null>;
    return { distance: distance[i]!, hour: hourOf(departure[i]!), ...features };
  });
  return { rows, labels: lateLabels(flights), departure };
}
// #endregion join
