import { ABTest, MemoryStorage, type ABTestOptions, type MetricOptions, type UnitTable } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { seededRandom, type Random } from '../../src/core/random.ts';

const start = Date.UTC(2026, 0, 1);
const hour = 3_600_000;

const metrics: MetricOptions[] = [
  { name: 'converted', kind: 'proportion' },
  { name: 'revenue', kind: 'mean', window: '3h', before: '2h' },
  { name: 'orders', kind: 'count', of: 'revenue' },
  { name: 'perOrder', kind: 'ratio', numerator: 'revenue', denominator: 'items', before: '5h' },
  { name: 'p90', kind: 'quantile', of: 'latency', probability: 0.9, window: '6h' },
];

type Event =
  | { readonly kind: 'exposure'; readonly unit: number; readonly at: number; readonly variant: string; readonly country: string | undefined }
  | { readonly kind: 'value'; readonly unit: number; readonly at: number; readonly name: string; readonly value: number; readonly id: string | undefined };

const idOf = (unit: number): string => `user-${unit}`;

function testOn(storage: MemoryStorage, options: Partial<ABTestOptions> = {}): ABTest {
  return new ABTest({ storage, name: 't', variants: [{ name: 'A' }, { name: 'B' }], metrics, segments: ['country'], clock: { now: () => start + 20 * hour, monotonic: () => 0, setTimer: () => () => undefined }, ...options });
}

/** Exposures whose moments end in the number of their unit, which tells the units of a table apart, and values. */
function randomEvents(random: Random, units: number): Event[] {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const at = (unit: number): number => start + Math.floor(random() * 24 * 60) * 60_000 + unit;
  return Array.from({ length: units * 12 }, () => {
    const unit = Math.floor(random() * units);
    if (random() < 0.15) return { kind: 'exposure', unit, at: at(unit), variant: random() < 0.1 ? pick(['A', 'B', 'gone']) : unit % 2 === 0 ? 'A' : 'B', country: pick([undefined, 'DE', 'FR']) };
    return { kind: 'value', unit, at: at(unit), name: pick(['converted', 'revenue', 'items', 'latency', 'other']), value: pick([0, 1, 0.1, 0.2, 1e-9, -3.7, 1e9]), id: random() < 0.5 ? undefined : `event-${Math.floor(random() * units * 6)}` };
  });
}

interface Row {
  readonly variant: number;
  readonly exposedAt: number;
  readonly country: string | undefined;
  readonly converted: number;
  readonly revenue: number;
  readonly revenueBefore: number;
  readonly orders: number;
  readonly ratio: readonly number[];
  readonly latencies: readonly number[];
}

/** What the events come to, by the definitions of the metrics and nothing else. */
function expected(events: readonly Event[], now: number): { rows: Map<number, Row>; crossed: number; unknown: number } {
  const rows = new Map<number, Row>();
  const values = new Map<string, Event & { kind: 'value' }>();
  const anonymous: (Event & { kind: 'value' })[] = [];
  for (const event of events) {
    if (event.kind !== 'value') continue;
    if (event.id === undefined) anonymous.push(event);
    else {
      // The earliest of one id counts; moments of one id differ, since units differ or else all is the same.
      const key = `${event.name} ${event.id}`;
      const before = values.get(key);
      if (before === undefined || event.at < before.at || (event.at === before.at && event.value < before.value)) values.set(key, event);
    }
  }
  const counted = [...values.values(), ...anonymous].sort((a, b) => a.at - b.at || a.value - b.value);
  let [crossed, unknown] = [0, 0];
  for (const unit of new Set(events.map((event) => event.unit))) {
    const exposures = events.flatMap((event) => (event.kind === 'exposure' && event.unit === unit ? [event] : []));
    if (exposures.some(({ variant }) => variant === 'gone')) unknown++;
    const known = exposures.filter(({ variant }) => variant !== 'gone');
    const variants = new Set(known.map(({ variant }) => variant));
    if (variants.size > 1) crossed++;
    if (variants.size !== 1) continue;
    const exposedAt = Math.min(...known.map(({ at }) => at));
    const countries = known.filter(({ at }) => at === exposedAt).flatMap(({ country }) => country ?? []);
    const within = (name: string, from: number, to: number): number[] => counted.filter((event) => event.unit === unit && event.name === name && event.at - exposedAt >= from && event.at - exposedAt < to).map(({ value }) => value);
    const sum = (list: readonly number[]): number => list.reduce((total, value) => total + value, 0);
    const passed = (ms: number): boolean => exposedAt + ms <= now;
    rows.set(unit, {
      variant: variants.has('A') ? 0 : 1,
      exposedAt,
      country: countries.sort()[0],
      converted: within('converted', 0, Infinity).some((value) => value !== 0) ? 1 : 0,
      revenue: passed(3 * hour) ? sum(within('revenue', 0, 3 * hour)) : NaN,
      revenueBefore: sum(within('revenue', -2 * hour, 0)),
      orders: within('revenue', 0, Infinity).length,
      ratio: [sum(within('revenue', 0, Infinity)), sum(within('items', 0, Infinity)), sum(within('revenue', -5 * hour, 0)), sum(within('items', -5 * hour, 0))],
      latencies: passed(6 * hour) ? within('latency', 0, 6 * hour) : [],
    });
  }
  return { rows, crossed, unknown };
}

/** A table by unit. */
function rowsOf({ units, variant, exposedAt, metrics: columns, segments }: UnitTable): Map<number, Row> {
  const { converted, revenue, orders, perOrder, p90 } = columns;
  if (converted?.kind !== 'proportion' || revenue?.kind !== 'mean' || orders?.kind !== 'count' || perOrder?.kind !== 'ratio' || p90?.kind !== 'quantile') throw new Error('other columns');
  const { values, codes } = segments['country']!;
  return new Map(
    Array.from({ length: units }, (_, i) => [
      (exposedAt[i]! - start) % 60_000,
      {
        variant: variant[i]!,
        exposedAt: exposedAt[i]!,
        country: values[codes[i]!],
        converted: converted.value[i]!,
        revenue: revenue.value[i]!,
        revenueBefore: revenue.before![i]!,
        orders: orders.value[i]!,
        ratio: [perOrder.numerator[i]!, perOrder.denominator[i]!, perOrder.before!.numerator[i]!, perOrder.before!.denominator[i]!],
        latencies: [...p90.value].filter((_, at) => p90.unit[at] === i),
      },
    ]),
  );
}

function put(test: ABTest, event: Event): void {
  if (event.kind === 'value') test.record(idOf(event.unit), { [event.name]: event.value }, { at: event.at, id: event.id });
  else test.expose(idOf(event.unit), { variant: event.variant, at: event.at, attributes: { country: event.country } });
}

/** Writes events in an order of chance, by several processes, in batches of chance, some of those that may come twice repeated. */
async function scatter(storage: MemoryStorage, events: readonly Event[], random: Random): Promise<void> {
  const writers = Array.from({ length: 3 }, () => testOn(storage));
  // A variant that the test had once.
  const past = testOn(storage, { variants: [{ name: 'A' }, { name: 'gone' }] });
  await writers[0]!.start();
  await past.start({ redefine: true });
  await writers[0]!.start({ redefine: true });
  const repeatable = events.filter((event) => event.kind === 'exposure' || event.id !== undefined);
  const sent = [...events, ...repeatable.filter(() => random() < 0.3)].map((event) => ({ event, place: random() })).sort((a, b) => a.place - b.place);
  for (const { event } of sent) {
    const writer = event.kind === 'exposure' && event.variant === 'gone' ? past : writers[Math.floor(random() * 3)]!;
    put(writer, event);
    if (random() < 0.05 && writer !== past) await writer.flush();
  }
  await Promise.all([...writers, past].map((writer) => writer.close()));
}

describe('units', () => {
  it('come to the same table in any order of events, writers and batches, which is what the events say', async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = seededRandom(seed);
    for (let round = 0; round < 6; round++) {
      const events = randomEvents(random, 12);
      const tables: UnitTable[] = [];
      for (let order = 0; order < 3; order++) {
        const storage = new MemoryStorage();
        await scatter(storage, events, random);
        tables.push(await testOn(storage).units());
      }
      const { rows, crossed, unknown } = expected(events, start + 20 * hour);
      expect([seed, round, rowsOf(tables[0]!)]).toEqual([seed, round, rows]);
      expect([seed, round, tables[0]!.crossed, tables[0]!.unknown]).toEqual([seed, round, crossed, unknown]);
      expect([seed, round, tables[1]]).toEqual([seed, round, tables[0]]);
      expect([seed, round, tables[2]]).toEqual([seed, round, tables[0]]);
    }
  });

  it('are read once, and gone on with from there', async () => {
    const storage = new MemoryStorage();
    const random = seededRandom(5);
    const events = randomEvents(random, 12).filter((event) => event.kind === 'value' || event.variant !== 'gone');
    const [writer, reader] = [testOn(storage), testOn(storage)];
    for (let i = 0; i < events.length; i += 20) {
      for (const event of events.slice(i, i + 20)) put(writer, event);
      await writer.flush();
      expect(rowsOf(await reader.units())).toEqual(expected(events.slice(0, i + 20), start + 20 * hour).rows);
    }
    const asOf = start + 8 * hour;
    expect(rowsOf(await reader.units({ at: asOf }))).toEqual(expected(events, asOf).rows);
    const both = await Promise.all([reader.units(), reader.units()]);
    expect(both[0]).toEqual(both[1]);
  });

  it('have as many as there are, also beyond what is made room for at first', async () => {
    const test = testOn(new MemoryStorage());
    const units = 5_000;
    for (let i = 0; i < units; i++) {
      test.record(idOf(i), { revenue: i }, { id: `a${i}`, at: start + 1 });
      test.expose(idOf(i), { at: start });
      test.record(idOf(i), { revenue: 1 }, { at: start + 2 });
      test.record(idOf(i), { revenue: i }, { id: `a${i}`, at: start + 3 });
    }
    const table = await test.units();
    expect(table.units).toBe(units);
    const { revenue, orders } = table.metrics as Record<string, { value: Float64Array }>;
    expect([...revenue!.value].sort((a, b) => a - b)).toEqual(Array.from({ length: units }, (_, i) => i + 1));
    expect(orders!.value.every((count) => count === 2)).toBe(true);
  });
});
