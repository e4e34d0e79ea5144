import { HyperLogLog } from 'modelkeep/stats';
import type { AggregateDefinition } from 'modelkeep';

/** An event of one entity, in the total order of the rows. */
export type Event = { readonly at: number; readonly created: number; readonly [column: string]: unknown };

/** An aggregate computed the long way: from all events of an entity, in their total order. */
export function longWay(definition: AggregateDefinition, events: readonly Event[], t: number, passes: (event: Event) => boolean): unknown {
  const { window, hop, tumbling, by, column, over } = definition;
  const start = window === 'lifetime' ? -Infinity : hop === 0 ? t - window : Math.floor((t - window) / hop) * hop;
  const end = tumbling ? Math.floor(t / hop) * hop : t;
  const seen = events.filter(({ at, created }) => at >= start && at < end && created <= t);
  if (by !== undefined) {
    const categories = [...new Set(seen.flatMap((event) => (event[by] === null ? [] : [textOf(event[by])])))].sort();
    const plain = { ...definition, by: undefined };
    const entries = categories.map((category) => [category, longWay(plain, seen.filter((event) => textOf(event[by]) === category), t, passes)] as const).filter(([, value]) => value !== null);
    return entries.length === 0 ? null : Object.fromEntries(entries);
  }
  if (seen.length === 0) return null;
  const counted = seen.filter((event) => (definition.where === undefined || passes(event)) && [column, over].every((name) => name === undefined || event[name] !== null));
  const values = column === undefined ? [] : counted.map((event) => event[column]);
  const numbers = values as number[];
  const n = values.length;
  switch (definition.function) {
    case 'count':
      return counted.length;
    case 'rate':
      return (counted.length / (end - start)) * definition.per!;
    case 'share':
      return counted.length / seen.length;
    case 'distinctCount':
      return definition.approximate ? Math.round(new HyperLogLog().updateAll(values as string[]).estimate()) : new Set(values.map((value) => (value === 0 ? 0 : value))).size;
    default:
      break;
  }
  if (n === 0) return null;
  switch (definition.function) {
    case 'sum':
      return sumOf(numbers);
    case 'mean':
      return sumOf(numbers) / n;
    case 'ratio': {
      const divisor = sumOf(counted.map((event) => event[over!] as number));
      return divisor === 0 ? null : sumOf(numbers) / divisor;
    }
    case 'min':
    case 'max': {
      const sign = definition.function === 'min' ? 1 : -1;
      const least = (a: number, b: number): number => (Number.isNaN(a) ? a : Number.isNaN(b) || (sign === 1 ? b < a : b > a) ? b : a);
      return numbers.reduce(least);
    }
    case 'first':
      return values[0];
    case 'last':
      return values.at(-1);
    case 'firstK':
      return values.slice(0, definition.k);
    case 'lastK':
      return values.slice(-definition.k!).reverse();
    case 'topK': {
      const counts = new Map<unknown, number>();
      for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
      return [...counts].sort(([a, m], [b, k]) => k - m || (a! < b! ? -1 : 1)).slice(0, definition.k).map(([value]) => value);
    }
    case 'quantile':
      return quantile(numbers, definition.q!);
    default:
      return momentOf(definition, numbers);
  }
}

/** Exact where the numbers are multiples of 1/4 of usual size, as they are in these tests. */
function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}

function quantile(numbers: readonly number[], q: number): number {
  if (numbers.some(Number.isNaN)) return NaN;
  // -0 is 0: of equal values none is before the other.
  const sorted = numbers.map((x) => x + 0).sort((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const part = place % 1;
  const lower = sorted[Math.floor(place)]!;
  const upper = sorted[Math.ceil(place)]!;
  return part < 0.5 ? lower + (upper - lower) * part : upper - (upper - lower) * (1 - part);
}

function momentOf({ function: name, ddof }: AggregateDefinition, numbers: readonly number[]): number | null {
  const n = numbers.length;
  if (numbers.some(Number.isNaN)) return NaN;
  const mean = sumOf(numbers) / n;
  const power = (p: number): number => numbers.reduce((sum, x) => sum + (x - mean) ** p, 0);
  const equal = numbers.every((x) => x === numbers[0]);
  if (name === 'skew') return n < 3 || equal ? null : power(3) / n / (power(2) / n) ** 1.5;
  if (name === 'kurtosis') return n < 4 || equal ? null : power(4) / n / (power(2) / n) ** 2 - 3;
  if (n <= ddof!) return null;
  const variance = equal ? 0 : power(2) / (n - ddof!);
  return name === 'variance' ? variance : Math.sqrt(variance);
}

function textOf(category: unknown): string {
  return String(category);
}
