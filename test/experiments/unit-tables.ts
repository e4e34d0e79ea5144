import type { MetricColumns, UnitTable } from 'modelkeep';
import { normal } from 'modelkeep/stats';
import { SeededGenerator } from '../../src/stats/seeded-generator.ts';

/** Draws for tables, the same for one seed. */
export class Draws {
  readonly #generator: SeededGenerator;

  constructor(seed: number) {
    this.#generator = new SeededGenerator(seed);
  }

  uniform(): number {
    return this.#generator.uniform();
  }

  bell(): number {
    return normal.quantile(this.#generator.uniform() || 0.5);
  }

  exponential(): number {
    return -Math.log(1 - this.#generator.uniform());
  }

  /** By Marsaglia and Tsang (2000), exactly; the shape is at least 1. */
  gamma(shape: number): number {
    const d = shape - 1 / 3;
    for (;;) {
      const x = this.bell();
      const v = (1 + x / Math.sqrt(9 * d)) ** 3;
      if (v > 0 && Math.log(1 - this.uniform()) < (x * x) / 2 + d * (1 - v + Math.log(v))) return d * v;
    }
  }

  below(size: number): number {
    return this.#generator.below(size);
  }
}

/** A table of units that come one a minute, to the variants in turn unless told. */
export function tableOf(units: number, metrics: Readonly<Record<string, MetricColumns>>, rest: Partial<UnitTable> & { readonly variants?: number } = {}): UnitTable {
  const { variants = 2, ...given } = rest;
  return {
    units,
    variant: Uint16Array.from({ length: units }, (_, i) => i % variants),
    exposedAt: Float64Array.from({ length: units }, (_, i) => 1_700_000_000_000 + i * 60_000),
    metrics,
    segments: {},
    crossed: 0,
    unknown: 0,
    ...given,
  };
}

/** A column of a number per unit. */
export function column(units: number, of: (unit: number) => number): Float64Array {
  return Float64Array.from({ length: units }, (_, i) => of(i));
}

/** A table in which the units at these places are, in this order. */
export function picked(table: UnitTable, places: readonly number[]): UnitTable {
  const back = new Map(places.map((place, i) => [place, i]));
  const floats = (values: Float64Array): Float64Array => Float64Array.from(places, (place) => values[place]!);
  const metrics = Object.fromEntries(
    Object.entries(table.metrics).map(([name, columns]): [string, MetricColumns] => {
      if (columns.kind === 'quantile') {
        const events = [...columns.value.keys()].filter((event) => back.has(columns.unit[event]!)).sort((a, b) => back.get(columns.unit[a]!)! - back.get(columns.unit[b]!)!);
        return [name, { kind: 'quantile', value: Float64Array.from(events, (event) => columns.value[event]!), unit: Uint32Array.from(events, (event) => back.get(columns.unit[event]!)!) }];
      }
      if (columns.kind === 'ratio') {
        const before = columns.before && { numerator: floats(columns.before.numerator), denominator: floats(columns.before.denominator) };
        return [name, { kind: 'ratio', numerator: floats(columns.numerator), denominator: floats(columns.denominator), before }];
      }
      return [name, { kind: columns.kind, value: floats(columns.value), before: columns.before && floats(columns.before) }];
    }),
  );
  const segments = Object.fromEntries(Object.entries(table.segments).map(([name, { values, codes }]) => [name, { values, codes: Int32Array.from(places, (place) => codes[place]!) }]));
  return { ...table, units: places.length, variant: Uint16Array.from(places, (place) => table.variant[place]!), exposedAt: floats(table.exposedAt), metrics, segments };
}

/** Everything in plain data that is no finite number, by its path. */
export function notFinite(value: unknown, path = ''): readonly string[] {
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [`${path} = ${value}`];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inside]) => notFinite(inside, `${path}.${key}`));
}
