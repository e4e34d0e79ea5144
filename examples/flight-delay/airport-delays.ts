import { aggregate, featureView } from 'modelkeep';
import { landingEstimate, type Flights } from './flights.ts';

// #region view
/** How late the flights that left an airport have been, told by the events of their landing. */
export const airportDelays = featureView({
  name: 'airport_delays',
  entity: ['origin'],
  timestamp: 'landed',
  features: {
    delay_mean_1h: aggregate.mean('delay', { window: '1h' }),
    delay_mean_6h: aggregate.mean('delay', { window: '6h' }),
    delay_mean_1d: aggregate.mean('delay', { window: '1d' }),
    flights_1h: aggregate.count({ window: '1h' }),
    flights_1d: aggregate.count({ window: '1d' }),
    late_1d: aggregate.count({ window: '1d', where: { delay: { gt: 15 } } }),
  },
});
// #endregion view

/** The events of flights: each is known from its estimated landing on, not before. */
export function landingEvents({ departure, distance, delay, origin }: Flights): { origin: string[]; landed: Float64Array; delay: Float64Array } {
  return { origin, landed: departure.map((time, i) => landingEstimate(time, distance[i]!)), delay };
}

/** What is asked about flights at the moment of their departure, when nothing of them is known but the plan. */
export function departureRequests({ departure, origin }: Flights): { origin: string[]; departure: Float64Array } {
  return { origin, departure };
}
