import { DriftMonitor, MemoryStorage, profileData, type DriftMonitorOptions, type MonitorPerformanceOptions, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { attributeChange } from 'modelkeep/stats';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FeaturePlaces } from '../../../src/monitoring/attribution/feature-places.ts';
import { PlaceSums } from '../../../src/monitoring/attribution/place-sums.ts';
import { joinLabels } from '../../../src/monitoring/labels/join-labels.ts';
import { LabelLog } from '../../../src/monitoring/labels/label-log.ts';
import { ManualClock } from '../../pipelines/manual-clock.ts';
import { Sampler } from '../samples.ts';

const hour = 3_600_000;
const training = { weather: Array.from({ length: 1000 }, (_, i) => (i % 10 === 0 ? 'storm' : 'calm')), distance: Array.from({ length: 1000 }, (_, i) => (i * 37) % 1000), late: Array.from({ length: 1000 }, (_, i) => (i % 7 === 0 ? 'yes' : 'no')) };
const reference = profileData(training, { prediction: 'late' });
const performance = { metric: 'accuracy', min: 0.8, maxLabelDelay: '2h', every: '1h', attribution: {} } as const;

function monitorOn(storage: StorageAdapter, clock: ManualClock, options: Partial<MonitorPerformanceOptions> = {}, others: Partial<DriftMonitorOptions> = {}): DriftMonitor {
  return new DriftMonitor({ storage, name: 'm', reference, window: { rows: 1e9 }, clock, performance: { ...performance, ...options }, ...others });
}

interface Flight {
  readonly weather: string;
  readonly distance: number;
  readonly wrong: number;
}

/** Flights of which so many are in a storm; the model is wrong in two of five of these, and in one of ten of the others. */
function flightsOf(sampler: Sampler, n: number, stormy: number): Flight[] {
  return Array.from({ length: n }, () => {
    const storm = sampler.random() < stormy;
    return { weather: storm ? 'storm' : 'calm', distance: Math.floor(1000 * sampler.random()), wrong: Number(sampler.random() < (storm ? 0.4 : 0.1)) };
  });
}

/** An hour of flights, observed by one monitor after the other and labelled by the last. */
async function hourOf(monitors: readonly DriftMonitor[], clock: ManualClock, flights: readonly Flight[]): Promise<void> {
  const own = clock.now();
  flights.forEach(({ weather, distance }, i) => {
    monitors[i % monitors.length]!.observe({ id: `${own}-${i}`, features: { weather, distance }, prediction: 'no' });
    clock.jump(hour / flights.length);
  });
  flights.forEach(({ wrong }, i) => monitors.at(-1)!.feedback({ id: `${own}-${i}`, label: wrong === 1 ? 'yes' : 'no' }));
  for (const monitor of monitors) await monitor.flush();
}

describe('attribution of a loss', () => {
  it('says what attributeChange says of the rows themselves, beside the last period that was well, whoever observed them', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-attribution-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    await using one = new FilesystemStorage(directory);
    await using two = new FilesystemStorage(directory);
    const clock = new ManualClock();
    const sampler = new Sampler(1);
    const hours = [0.1, 0.1, 0.6, 0.1].map((stormy) => flightsOf(sampler, 900, stormy));
    const start = clock.now();
    for (const flights of hours) {
      // Each hour other processes go on.
      const monitors = [monitorOn(one, clock), monitorOn(two, clock)];
      await hourOf(monitors, clock, flights);
      await Promise.all(monitors.map((monitor) => monitor.close()));
    }
    clock.jump(3 * hour);
    await using monitor = await DriftMonitor.open({ storage: two, name: 'm', window: { rows: 1e9 }, clock, performance });
    await monitor.check();
    const periods = (await monitor.performances()).items;
    expect(periods.map(({ status, attribution }) => [status, attribution?.status])).toEqual([['held', undefined], ['held', undefined], ['violated', 'attributed'], ['held', undefined]]);
    const { against, change, columns, ...counts } = periods[2]!.attribution!;
    const expected = attributeChange(hours[1]!, hours[2]!, { score: 'wrong', columns: ['weather', 'distance'] });
    expect([against, counts]).toEqual([start + hour, { status: 'attributed', referenceRows: 900, currentRows: 900 }]);
    expect(columns.map(({ name }) => name)).toEqual(['weather', 'distance']);
    for (const end of ['value', 'low', 'high'] as const) {
      expect(change![end]).toBeCloseTo(expected.change![end], 10);
      for (const part of ['composition', 'rate'] as const) expect(columns[0]![part][end]).toBeCloseTo(expected.columns[0]![part][end], 10);
    }
    expect(columns[0]!.composition.low).toBeGreaterThan(0.08);
    expect(columns[1]!.composition.value + columns[1]!.rate.value).toBeCloseTo(change!.value, 10);
    expect(columns[1]!.rate.low).toBeGreaterThan(0.05);
  });

  it('says so where there is nothing to compare with: no period that was well, too few labels, or other bins', async () => {
    const sampler = new Sampler(2);
    for (const [hours, second, expected] of [
      [[0.9, 0.9], {}, [['insufficient', null, 0, 300], ['insufficient', null, 0, 300]]],
      [[0.1, 0.9], { minLabels: 2 }, [undefined, ['insufficient', null, 0, 60]]],
      [[0.1, 0.9], { attribution: { columns: ['weather'] } }, [undefined, ['insufficient', null, 0, 300]]],
      [[0.1, 0.9], {}, [undefined, ['attributed', Date.UTC(2026, 0, 1), 300, 300]]],
    ] as const) {
      const storage = new MemoryStorage();
      const clock = new ManualClock();
      for (const [h, stormy] of hours.entries()) {
        const monitor = monitorOn(storage, clock, h === 1 ? second : {});
        const few = 'minLabels' in second;
        await hourOf([monitor], clock, flightsOf(sampler, few ? 60 : 300, stormy));
        clock.jump(4 * hour);
        await monitor.check();
        await monitor.close();
      }
      const periods = (await monitorOn(storage, clock).performances()).items;
      expect(periods.map(({ attribution: a }) => a && [a.status, a.against, a.referenceRows, a.currentRows])).toEqual(expected);
    }
  });

  it('compares with no period that was well by another metric, whose losses are in another unit', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const minutes = profileData({ distance: training.distance, late: Float64Array.from({ length: 1000 }, (_, i) => i % 60) }, { prediction: 'late' });
    for (const metric of ['mae', 'rmse'] as const) {
      await using monitor = monitorOn(storage, clock, { metric, min: undefined, max: 15 }, { reference: minutes });
      for (const off of metric === 'mae' ? [10] : [20, 10, 20]) {
        for (let i = 0; i < 200; i++) {
          const id = `${clock.now()}-${i}`;
          monitor.observe({ id, features: { distance: (i * 37) % 1000 }, prediction: 30 });
          monitor.feedback({ id, label: 30 + (i % 2 === 0 ? off : -off) });
        }
        clock.jump(hour);
      }
      await monitor.flush();
      clock.jump(3 * hour);
      await monitor.check();
    }
    const periods = (await monitorOn(storage, clock).performances()).items;
    expect(periods.map(({ metric, status, attribution }) => [metric, status, attribution?.status])).toEqual([
      ['mae', 'held', undefined],
      ['rmse', 'violated', 'insufficient'],
      ['rmse', 'held', undefined],
      ['rmse', 'violated', 'attributed'],
    ]);
    expect(periods[3]!.attribution!.change!.value).toBeCloseTo(300, 10);
  });

  it('is made when the losses have changed, without any bound', async () => {
    const clock = new ManualClock();
    const sampler = new Sampler(3);
    const monitor = monitorOn(new MemoryStorage(), clock, { min: undefined, concept: {} });
    for (const stormy of [0.1, 0.1, 0.1, 0.1, 0.9, 0.9]) await hourOf([monitor], clock, flightsOf(sampler, 600, stormy));
    clock.jump(4 * hour);
    await monitor.check();
    const changed = (await monitor.performances()).items.filter(({ attribution }) => attribution !== undefined);
    expect(changed.length).toBeGreaterThan(0);
    for (const { start, concept, attribution } of changed) {
      expect([concept!.status, start >= Date.UTC(2026, 0, 1, 4), attribution!.columns[0]!.name]).toEqual(['drift', true, 'weather']);
    }
    await monitor.close();
  });

  it('puts a value where the reference has it, and what it has not among the others or the missing', () => {
    const odd = profileData({ constructor: ['a', 'b', 'b', 'a', 'b'], flag: [true, false, true, true, true], x: [1, 2, 3, 4, 5], gone: [null, null, null, null, null] });
    const places = new FeaturePlaces(odd, { columns: ['constructor', 'flag', 'x'] }, 'attribution');
    const [ofConstructor, ofFlag, ofX] = places.grid.sizes as [number, number, number];
    const placed = (features: Record<string, unknown>): number[] => [...places.of(features)];
    expect(placed({ constructor: 'b', flag: true, x: -Infinity })).toEqual([0, 0, 0]);
    expect(placed({ constructor: 'a', flag: false, x: Infinity })).toEqual([1, 1, ofX - 2]);
    expect(placed({ constructor: 'new', flag: 3, x: true })[0]).toBe(ofConstructor - 2);
    expect(placed({ x: 'five', flag: NaN })).toEqual([ofConstructor - 1, ofFlag - 1, ofX - 1]);
    expect(new FeaturePlaces(odd, {}, 'a').grid.id).toBe(new FeaturePlaces(odd, {}, 'b').grid.id);
    expect(new FeaturePlaces(odd, { columns: ['x'] }, 'a').grid.id).not.toBe(places.grid.id);
  });

  it('refuses what cannot be meant', () => {
    const clock = new ManualClock();
    expect(() => monitorOn(new MemoryStorage(), clock, { attribution: { columns: ['weather', 'wind'] } })).toThrow(/attribution\.columns\[1\] is "wind", and the reference has no such column/);
    expect(() => monitorOn(new MemoryStorage(), clock, { attribution: { columns: [] } })).toThrow(/columns/);
    expect(() => monitorOn(new MemoryStorage(), clock, { metric: 'auc' })).toThrow(/attribution is about the losses of single predictions/);
  });
});

describe('what is kept with predictions', () => {
  it('comes back with each, in however many parts they are joined, and not where other bytes were kept', async () => {
    for (const count of [1, 8, 11]) {
      const storage = new MemoryStorage();
      const logOf = (id: string): LabelLog => new LabelLog({ storage, key: 'monitors/m', encoding: 'number', everyMs: 1000, kept: { id, count }, onError: (error) => expect.fail(String(error)) });
      const [log, other] = [logOf('these'), logOf('others')];
      const sampler = new Sampler(count);
      const expected = new Map<number, string>();
      for (let i = 0; i < 3000; i++) {
        const bytes = Uint8Array.from({ length: count }, () => Math.floor(200 * sampler.random()));
        const known = i % 7 !== 0;
        // Some are observed again, with other bytes: the newest counts.
        const id = i % 5 === 0 && i > 0 ? i - 1 : i;
        (known ? log : other).add('predictions', `id${id}`, (i * 900) / 3000, id, '', bytes);
        expected.set(id, known ? bytes.join() : 'unknown');
        if (i % 500 === 0) await Promise.all([log.write(), other.write()]);
      }
      await Promise.all([log.write(), other.write()]);
      for (const held of [undefined, 700]) {
        const found = new Map<number, string>();
        await joinLabels(log, { periods: [0], everyMs: 1000, maxDelayMs: 0, now: 0, held }, (_period, _version, prediction, _label, _labelled, _at, bytes, from) => {
          const own = bytes.slice(from, from + count);
          found.set(prediction, own.every((byte) => byte === 255) ? 'unknown' : own.join());
        });
        expect(found).toEqual(expected);
      }
    }
  });

  it('gives the sums that one pass over all of them would, and leaves out what has no place', () => {
    const sampler = new Sampler(9);
    const sums = new PlaceSums({ id: 'g', names: ['a', 'b'], sizes: [2, 3] }, 5);
    const rows = Array.from({ length: 500 }, () => ({ a: Math.floor(2 * sampler.random()), b: Math.floor(3 * sampler.random()), loss: sampler.normal() }));
    for (const { a, b, loss } of rows) sums.add(Uint8Array.of(9, a, b), 1, loss);
    sums.add(Uint8Array.of(255, 255), 0, 1);
    sums.add(Uint8Array.of(1, 1), 0, NaN);
    const cellOf = (own: readonly { loss: number }[]): number[] => {
      const mean = own.reduce((sum, { loss }) => sum + loss, 0) / own.length;
      return [own.length, mean, own.reduce((sum, { loss }) => sum + (loss - mean) ** 2, 0)];
    };
    const expected = [rows, ...[0, 1].map((a) => rows.filter((row) => row.a === a)), ...[0, 1, 2].map((b) => rows.filter((row) => row.b === b))].flatMap(cellOf);
    const { grid, start, cells } = sums.stored();
    expect([grid, start, cells.length]).toEqual(['g', 5, 18]);
    cells.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 9));
  });
});
