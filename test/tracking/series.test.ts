import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { seededRandom } from '../../src/core/random.ts';
import { encodeBatch } from '../../src/tracking/metric-batch.ts';
import { readSeries, type MetricSeries } from '../../src/tracking/series/metric-series.ts';
import { temporaryDirectories } from '../storage/filesystem/temporary-directory.ts';

interface Point {
  readonly step: number;
  readonly timestamp: number;
  readonly value: number;
}

const log = 'tracking/metrics/x';

function batchOf(points: readonly Point[], number: number, session = 's'): Uint8Array {
  return encodeBatch({
    session,
    number,
    names: ['loss'],
    codes: points.map(() => 0),
    steps: points.map(({ step }) => step),
    timestamps: points.map(({ timestamp }) => timestamp),
    values: Float64Array.from(points, ({ value }) => value),
  });
}

async function stored(points: readonly Point[], batchSize: number, storage: StorageAdapter = new MemoryStorage()): Promise<StorageAdapter> {
  for (let at = 0; at < points.length; at += batchSize) await storage.append(log, [batchOf(points.slice(at, at + batchSize), at)]);
  return storage;
}

function rows({ steps, values, timestamps }: MetricSeries): Point[] {
  return Array.from(steps, (step, i) => ({ step, timestamp: timestamps[i]!, value: values[i]! }));
}

function inOrder(points: readonly Point[]): Point[] {
  return [...points].sort((a, b) => a.step - b.step || a.timestamp - b.timestamp);
}

/** What is to be kept, said plainly: ranks in equal parts (of chunks, of which none is divided), of each the first least and the first greatest, or else the first NaN. */
function bruteForce(points: readonly Point[], maxPoints: number, chunk = 1): Point[] {
  const ordered = inOrder(points);
  if (ordered.length <= maxPoints) return ordered;
  const buckets = Math.floor((maxPoints - 2) / 2);
  const chunks = Math.ceil(ordered.length / chunk);
  const kept = new Set([0, ordered.length - 1]);
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = chunk * Math.floor((bucket * chunks) / buckets);
    const to = Math.min(ordered.length, chunk * Math.floor(((bucket + 1) * chunks) / buckets));
    const places = Array.from({ length: to - from }, (_, i) => from + i);
    const numbers = places.filter((i) => !Number.isNaN(ordered[i]!.value));
    if (numbers.length === 0) kept.add(places[0]!);
    for (const sign of [1, -1]) {
      let best = numbers[0];
      for (const i of numbers) if (sign * ordered[i]!.value < sign * ordered[best!]!.value) best = i;
      if (best !== undefined) kept.add(best);
    }
  }
  return [...kept].sort((a, b) => a - b).map((i) => ordered[i]!);
}

const value = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(NaN, Infinity, -Infinity, 0.5));
const point = fc.record({ step: fc.integer({ min: -5, max: 40 }), timestamp: fc.integer({ min: 0, max: 3 }), value });

describe('a series', () => {
  it('has exactly the points that brute force keeps, in whatever order and batches they were logged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(point, { maxLength: 120 }), fc.integer({ min: 4, max: 40 }), fc.integer({ min: 1, max: 50 }), async (points, maxPoints, batchSize) => {
        const series = await readSeries(await stored(points, batchSize), log, 'loss', { maxPoints });
        expect(rows(series)).toEqual(bruteForce(points, maxPoints));
        expect(series.steps.length).toBeLessThanOrEqual(maxPoints);
        expect([series.total, series.exact]).toEqual([points.length, points.length <= maxPoints]);
      }),
      { numRuns: 300, seed: 5 },
    );
  });

  it('has exactly them too where points in order are too many for chunks of one', async () => {
    const random = seededRandom(8);
    const values = [NaN, NaN, -1, 0, 0.5, 1, Infinity, -Infinity];
    for (const [n, maxPoints, chunk] of [[8_192, 20, 1], [8_193, 20, 2], [30_000, 1_500, 4], [33_000, 103, 8], [33_000, 4_002, 4], [17_000, 9_001, 1]] as const) {
      let kind = 0;
      const points = Array.from({ length: n }, (_, i) => {
        // Stretches of NaN alone, of numbers, and of both.
        if (i % 100 === 0) kind = random() * 3;
        return { step: i >> 2, timestamp: i >> 1, value: kind < 1 ? NaN : values[Math.floor(random() * 8)]! + (kind > 2 ? random() : 0) };
      });
      const series = await readSeries(await stored(points, 700), log, 'loss', { maxPoints });
      expect(rows(series), `${n} points`).toEqual(bruteForce(points, maxPoints, chunk));
    }
  });

  it('is complete without a bound, and in a range of steps', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(point, { maxLength: 80 }), fc.integer({ min: -6, max: 20 }), fc.integer({ min: 0, max: 20 }), async (points, from, width) => {
        const storage = await stored(points, 7);
        expect(rows(await readSeries(storage, log, 'loss'))).toEqual(inOrder(points));
        const part = await readSeries(storage, log, 'loss', { from, to: from + width });
        const wanted = inOrder(points).filter(({ step }) => step >= from && step <= from + width);
        expect(rows(part)).toEqual(wanted);
        expect([part.total, part.exact]).toEqual([wanted.length, true]);
      }),
      { numRuns: 100, seed: 6 },
    );
  });

  it('keeps the extremes of large ones, however their steps run', async () => {
    const n = 150_000;
    const shapes: Record<string, (i: number) => number> = {
      rising: (i) => i,
      falling: (i) => n - i,
      'one step': () => 0,
      'over and over': (i) => i % 128,
      'far apart': (i) => (i < n / 2 ? i : i * 1e9),
    };
    for (const [shape, stepOf] of Object.entries(shapes)) {
      const points = Array.from({ length: n }, (_, i) => ({ step: stepOf(i), timestamp: 1_000 + i, value: Math.sin(i / 700) + (i === 77_777 ? 50 : i === 99_999 ? -50 : 0) }));
      const series = await readSeries(await stored(points, 10_000), log, 'loss', { maxPoints: 400 });
      const ordered = inOrder(points);
      const kept = rows(series);
      expect(kept.length, shape).toBeLessThanOrEqual(400);
      expect(kept.length, shape).toBeGreaterThan(350);
      expect(kept, shape).toEqual(inOrder(kept));
      expect([kept[0], kept.at(-1)], shape).toEqual([ordered[0], ordered.at(-1)]);
      expect([Math.max(...series.values), Math.min(...series.values)], shape).toEqual([points[77_777]!.value, points[99_999]!.value]);
      const place = new Map(ordered.map(({ timestamp }, i) => [timestamp, i]));
      const gaps = kept.slice(1).map(({ timestamp }, i) => place.get(timestamp)! - place.get(kept[i]!.timestamp)!);
      expect(Math.max(...gaps), shape).toBeLessThan((4 * n) / 199);
    }
  });

  it('counts a batch that was written twice once, and points that were logged twice twice', async () => {
    const storage = new MemoryStorage();
    const points = [{ step: 1, timestamp: 1, value: 1 }, { step: 1, timestamp: 1, value: 1 }];
    for (const writer of ['a', 'b']) await storage.append(log, [batchOf(points, 1)], { writer });
    await storage.append(log, [batchOf(points, 1, 'other')]);
    expect(await readSeries(storage, log, 'loss')).toMatchObject({ total: 4, exact: true });
    expect(await readSeries(storage, log, 'loss', { maxPoints: 4 })).toMatchObject({ total: 4, exact: true });
  });

  it('is none for a metric that was not logged', async () => {
    const storage = await stored([{ step: 1, timestamp: 1, value: 1 }], 1);
    for (const [where, name] of [[log, 'acc'], ['tracking/metrics/y', 'loss']] as const) {
      expect(await readSeries(storage, where, name, { maxPoints: 10 })).toEqual({
        steps: new Float64Array(),
        values: new Float64Array(),
        timestamps: new Float64Array(),
        total: 0,
        exact: true,
      });
    }
  });

  it('does not read the columns of batches that lack the metric', async () => {
    const storage = await stored([{ step: 1, timestamp: 1, value: 1 }], 1);
    const other = encodeBatch({ session: 't', number: 1, names: ['acc'], codes: [0], steps: [1], timestamps: [1], values: Float64Array.of(1) });
    await storage.append(log, [other.slice(0, -17)]);
    expect((await readSeries(storage, log, 'loss')).total).toBe(1);
    await expect(readSeries(storage, log, 'acc')).rejects.toMatchObject({ code: 'integrity', details: { key: log } });
  });

  it('refuses what is no bound and no range, and ends when it is aborted', async () => {
    const storage = await stored([{ step: 1, timestamp: 1, value: 1 }], 1);
    for (const maxPoints of [3, 0, -1, 4.5, NaN]) await expect(readSeries(storage, log, 'loss', { maxPoints })).rejects.toMatchObject({ code: 'validation', details: { path: 'maxPoints' } });
    await expect(readSeries(storage, log, 'loss', { from: NaN })).rejects.toMatchObject({ details: { path: 'from' } });
    await expect(readSeries(storage, log, 'loss', { to: '1' as unknown as number })).rejects.toMatchObject({ details: { path: 'to' } });
    await expect(readSeries(storage, log, 'loss', { from: 2, to: 1 })).rejects.toMatchObject({ details: { path: 'from' } });
    await expect(readSeries(storage, log, 'loss', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('a series of a real run', () => {
  const directory = temporaryDirectories();

  for (const [where, open] of [['memory', () => new MemoryStorage()], ['a directory', () => new FilesystemStorage(directory())]] as const) {
    it(`is the same in ${where}, beside other metrics and over several handles`, async () => {
      const storage = open();
      const tracker = new Tracker({ storage });
      const first = await tracker.startRun({ experiment: 'e' });
      for (let step = 0; step < 3_000; step++) first.logMetrics({ loss: step === 1_234 ? 1e6 : -step, acc: step }, { step, timestamp: step });
      await first.end();
      const second = await tracker.startRun({ resume: first.id });
      for (let step = 2_000; step < 4_000; step++) second.logMetrics({ loss: -step, lr: 1 }, { step, timestamp: step + 1 });
      await second.end();

      const series = await readSeries(storage, `tracking/metrics/${first.id}`, 'loss', { maxPoints: 100 });
      expect([series.total, series.exact]).toEqual([5_000, false]);
      expect(series.steps.length).toBeLessThanOrEqual(100);
      expect(series.values).toContain(1e6);
      expect([series.steps[0], series.steps.at(-1)]).toEqual([0, 3_999]);
      const all = await readSeries(storage, `tracking/metrics/${first.id}`, 'loss');
      expect(all.steps.length).toBe(5_000);
      expect(all.steps.every((step, i) => i === 0 || step >= all.steps[i - 1]!)).toBe(true);
      await storage.close();
    });
  }

  for (const [order, expected] of [['in order', 1], ['out of order', 2]] as const) {
    it(`whose points came ${order} is read ${expected === 1 ? 'once' : 'twice'}, without what is appended meanwhile`, async () => {
      const storage = new MemoryStorage();
      const size = 20_000;
      const steps = Float64Array.from({ length: size }, (_, i) => i);
      const zeros = new Uint8Array(size);
      for (let number = 0; number < 5; number++) {
        const first = (expected === 1 ? number : 4 - number) * size;
        const values = Float64Array.from(steps, (step) => Math.cos(step) + (number === 2 && step === 5 ? 9 : 0));
        await storage.append(log, [encodeBatch({ session: 's', number, names: ['loss'], codes: zeros, steps: steps.map((step) => first + step), timestamps: steps, values })]);
      }
      let readings = 0;
      const growing = new Proxy(storage, {
        get(target, property) {
          if (property !== 'readLog') return Reflect.get(target, property) as unknown;
          return async function* (...args: Parameters<StorageAdapter['readLog']>) {
            yield* target.readLog(...args);
            if (readings++ === 0) await target.append(log, [batchOf([{ step: -1, timestamp: 0, value: 99 }], 1_000)]);
          };
        },
      });
      const series = await readSeries(growing, log, 'loss', { maxPoints: 50 });
      expect(readings).toBe(expected);
      expect([series.total, series.exact, series.steps[0], Math.max(...series.values)]).toEqual([5 * size, false, 0, Math.cos(5) + 9]);
    });
  }
});
