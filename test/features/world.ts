import fc from 'fast-check';
import { aggregate, featureView, type FeatureView } from 'modelkeep';

/** An event of a small world in which everything collides: few keys, few moments, missing values, late news. */
export type Event = {
  readonly a: string | null;
  readonly b: number;
  readonly at: number;
  readonly created: number;
  readonly x: number | null;
  readonly kind: string | null;
  readonly big: bigint | null;
};

export const minute = 60_000;
export const start = Date.UTC(2024, 0, 1);
const moment = fc.oneof(
  fc.integer({ min: 0, max: 48 }).map((n) => start + n * 30 * minute),
  fc.integer({ min: 0, max: 24 * 60 * minute }).map((n) => start + n),
);

const keys = fc.record({ a: fc.constantFrom('1', '11', 'ATL', ''), b: fc.constantFrom(12, 2, 1.5) });

export const events: fc.Arbitrary<Event[]> = fc.array(
  fc
    .record({
      key: keys,
      at: moment,
      delay: fc.oneof(fc.constant(0), fc.integer({ min: -60, max: 600 }).map((n) => n * minute)),
      x: fc.oneof(fc.constant(null), fc.integer({ min: -20, max: 40 }), fc.constantFrom(1e16, -1e16, 0.1, NaN)),
      kind: fc.constantFrom(null, 'late', 'early'),
      big: fc.constantFrom(null, 9007199254740993n, 1n),
    })
    .map(({ key, at, delay, ...rest }): Event => ({ ...key, at, created: at + delay, ...rest })),
  { maxLength: 60 },
);

export const probes = fc.array(fc.record({ key: keys, at: moment }).map(({ key, at }) => ({ ...key, at })), { minLength: 1, maxLength: 25 });

const windows = {
  mean: { window: '2h', hop: 0 },
  sum: { window: '90m', hop: '5m' },
  some: { window: '1h', hop: '1h', where: { x: { gt: 0 }, kind: { eq: 'late' } } },
  all: { window: '13h' },
} as const;

const ttl = 5 * 60 * minute;

/** A view with a column of each sort and an aggregate of each, with or without a created time. */
export function worldView(createdTimestamp: 'created' | undefined): FeatureView {
  return featureView({
    name: 'world',
    entity: ['a', 'b'],
    timestamp: 'at',
    createdTimestamp,
    ttl,
    features: {
      x: 'float64',
      kind: 'string',
      big: 'int64',
      mean: aggregate.mean('x', windows.mean),
      sum: aggregate.sum('x', windows.sum),
      some: aggregate.count(windows.some),
      all: aggregate.count(windows.all),
    },
  });
}

export const featureNames = ['x', 'kind', 'big', 'mean', 'sum', 'some', 'all'] as const;

function sameKey(event: Event, probe: { a: string | null; b: number }): boolean {
  return event.a !== null && event.a === probe.a && event.b === probe.b;
}

/** What the features of a probe are, computed the long way from the whole list of events, in the order in which they were ingested. */
export function expected(list: readonly Event[], probe: { a: string | null; b: number; at: number }, knowledge: boolean): Record<string, unknown> {
  const t = probe.at;
  const visible = list.filter((event) => sameKey(event, probe) && (!knowledge || event.created <= t));
  let newest: Event | undefined;
  for (const event of visible) {
    if (event.at > t) continue;
    if (newest === undefined || event.at > newest.at || (event.at === newest.at && (!knowledge || event.created >= newest.created))) newest = event;
  }
  if (newest && newest.at < t - ttl) newest = undefined;
  const within = (ms: number, hop: number): Event[] => visible.filter(({ at }) => at < t && at >= (hop === 0 ? t - ms : Math.floor((t - ms) / hop) * hop));
  const mean = within(120 * minute, 0);
  const some = within(60 * minute, 60 * minute);
  const all = within(13 * 60 * minute, 60 * minute);
  return {
    x: newest?.x ?? null,
    kind: newest?.kind ?? null,
    big: newest?.big ?? null,
    mean: total(mean, true),
    sum: total(within(90 * minute, 5 * minute), false),
    some: some.length === 0 ? null : some.filter(({ x, kind }) => x !== null && x > 0 && kind === 'late').length,
    all: all.length === 0 ? null : all.length,
  };
}

function total(list: readonly Event[], mean: boolean): number | null {
  const numbers = list.flatMap(({ x }) => (x === null ? [] : [x]));
  if (numbers.length === 0) return null;
  if (numbers.some(Number.isNaN)) return NaN;
  // Every number of this world is 0.1 or whole: whole ones add up exactly as bigints, and 0.1 is 3602879701896397 · 2^-55.
  const units = numbers.reduce((sum, x) => sum + (x === 0.1 ? 3602879701896397n : BigInt(x) << 55n), 0n);
  const sum = nearest(units);
  return mean ? sum / numbers.length : sum;
}

/** The double nearest to `units · 2^-55`. */
function nearest(units: bigint): number {
  const size = units < 0n ? -units : units;
  const spare = BigInt(Math.max(0, size.toString(2).length - 53));
  let kept = size >> spare;
  const lost = size - (kept << spare);
  const half = spare === 0n ? 1n : 1n << (spare - 1n);
  if (lost > half || (lost === half && (kept & 1n) === 1n)) kept += 1n;
  const value = Number(kept) * 2 ** (Number(spare) - 55);
  return units < 0n ? -value : value;
}
