import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parquetMetadataAsync, parquetRead, type ColumnData } from 'hyparquet';
import { asyncBufferFromFile } from 'hyparquet/src/node.js';
import { compressors } from 'hyparquet-compressors';

/** Flights as columns: one entry per flight. Times are the airport's local time, kept as if it were UTC. */
export interface Flights {
  /** Actual departure, epoch milliseconds. */
  departure: Float64Array;
  /** Arrival delay in minutes; known only once the flight has landed. */
  delay: Float64Array;
  /** Miles. */
  distance: Float64Array;
  origin: string[];
  destination: string[];
}

const minute = 60_000;

/** When a flight has surely landed and its delay may be known: anything earlier would leak the future into the features. */
export function landingEstimate(departure: number, distance: number): number {
  return departure + 60 * minute + (distance / 5) * minute;
}

/** The three million flights that vega-datasets ships, a row group at a time, in the order of departure. */
export async function* readFlights(): AsyncGenerator<Flights> {
  const packageFile = createRequire(import.meta.url).resolve('vega-datasets');
  const file = await asyncBufferFromFile(join(dirname(packageFile), '..', 'data', 'flights-3m.parquet'));
  const metadata = await parquetMetadataAsync(file);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const columns = new Map<string, ArrayLike<unknown>>();
    await parquetRead({ file, metadata, compressors, rowStart, rowEnd, onChunk: (chunk: ColumnData) => void columns.set(chunk.columnName, chunk.columnData) });
    yield {
      departure: Float64Array.from(columns.get('date') as Date[], (date) => date.getTime()),
      delay: Float64Array.from(columns.get('delay') as bigint[], Number),
      distance: Float64Array.from(columns.get('distance') as bigint[], Number),
      origin: Array.from(columns.get('origin') as string[]),
      destination: Array.from(columns.get('destination') as string[]),
    };
    rowStart = rowEnd;
  }
}

/** The flights at `rows`, in that order. */
export function takeFlights(flights: Flights, rows: readonly number[]): Flights {
  return {
    departure: Float64Array.from(rows, (row) => flights.departure[row]!),
    delay: Float64Array.from(rows, (row) => flights.delay[row]!),
    distance: Float64Array.from(rows, (row) => flights.distance[row]!),
    origin: rows.map((row) => flights.origin[row]!),
    destination: rows.map((row) => flights.destination[row]!),
  };
}

/** All flights in memory, by time of departure. */
export class FlightBook {
  readonly #groups: Flights[] = [];

  /** Adds flights that depart after those that are in it. */
  add(flights: Flights): void {
    this.#groups.push(flights);
  }

  /** The flights that depart within a period. */
  departing({ start, end }: { start: number; end: number }): Flights {
    const groups = this.#groups.filter(({ departure }) => departure[0]! < end && departure.at(-1)! >= start);
    return joinFlights(groups.map((group) => select(group, (row) => group.departure[row]! >= start && group.departure[row]! < end)));
  }

  /** The flights that land within a period, group by group. */
  *landing({ start, end }: { start: number; end: number }): Generator<Flights> {
    for (const group of this.#groups) {
      const landed = select(group, (row) => {
        const time = landingEstimate(group.departure[row]!, group.distance[row]!);
        return time >= start && time < end;
      });
      if (landed.departure.length > 0) yield landed;
    }
  }
}

function select(flights: Flights, wanted: (row: number) => boolean): Flights {
  const rows: number[] = [];
  for (let row = 0; row < flights.departure.length; row++) if (wanted(row)) rows.push(row);
  return rows.length === flights.departure.length ? flights : takeFlights(flights, rows);
}

function joinFlights(parts: readonly Flights[]): Flights {
  const size = parts.reduce((sum, part) => sum + part.departure.length, 0);
  const all: Flights = { departure: new Float64Array(size), delay: new Float64Array(size), distance: new Float64Array(size), origin: [], destination: [] };
  let at = 0;
  for (const part of parts) {
    for (const name of ['departure', 'delay', 'distance'] as const) all[name].set(part[name], at);
    for (const name of ['origin', 'destination'] as const) for (const airport of part[name]) all[name].push(airport);
    at += part.departure.length;
  }
  return all;
}
