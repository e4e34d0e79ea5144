import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker, type RunRecord, type StorageAdapter } from 'modelkeep';
import { decodeBatch, encodeBatch } from '../../src/tracking/metric-batch.ts';

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

async function started(tracker: Tracker, experiments: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const experiment of experiments) {
    const run = await tracker.startRun({ experiment });
    await run.end();
    ids.push(run.id);
  }
  return ids;
}

const idsOf = (runs: readonly RunRecord[]): string[] => runs.map((run) => run.id);

describe('listing runs', () => {
  it('goes from the newest to the oldest, in one experiment, in several, in all', async () => {
    const tracker = new Tracker({ storage: new MemoryStorage() });
    const ids = await started(tracker, ['a', 'b', 'a', 'c', 'b', 'a']);
    expect(idsOf(await all(tracker.runs()))).toEqual([5, 4, 3, 2, 1, 0].map((i) => ids[i]));
    expect(idsOf(await all(tracker.runs({ experiments: ['a'] })))).toEqual([5, 2, 0].map((i) => ids[i]));
    expect(idsOf(await all(tracker.runs({ experiments: ['b', 'c', 'b', 'none'] })))).toEqual([4, 3, 1].map((i) => ids[i]));
    expect(await all(tracker.runs({ experiments: [] }))).toEqual([]);
    expect((await all(tracker.experiments())).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('gives every run once, whatever the size of the page and whoever starts meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 }), fc.integer({ min: 1, max: 5 }), fc.boolean(), async (experiments, limit, some) => {
        const tracker = new Tracker({ storage: new MemoryStorage() });
        const ids = await started(tracker, experiments);
        const wanted = some ? ['a', 'c'] : undefined;
        const seen: string[] = [];
        let after: string | undefined;
        do {
          const page = await tracker.listRuns({ experiments: wanted, limit, after });
          expect(page.items.length).toBeLessThanOrEqual(limit);
          seen.push(...idsOf(page.items));
          after = page.next;
          await started(tracker, ['a', 'b']);
        } while (after !== undefined);
        expect(seen).toEqual(ids.filter((_, i) => wanted?.includes(experiments[i]!) ?? true).reverse());
      }),
      { numRuns: 50 },
    );
  });

  it('refuses what is no limit, no cursor and no list of names', async () => {
    const tracker = new Tracker({ storage: new MemoryStorage() });
    for (const limit of [0, -1, 1.5, NaN]) await expect(tracker.listRuns({ limit })).rejects.toThrow('limit');
    await expect(tracker.listRuns({ after: 'x' })).rejects.toThrow('after');
    await expect(tracker.listRuns({ experiments: 'a' as unknown as string[] })).rejects.toThrow('experiments');
  });

  it('shows the others when one run is damaged, and says which', async () => {
    const storage = new MemoryStorage();
    const told: unknown[] = [];
    const tracker = new Tracker({ storage, onError: (error) => told.push(error) });
    const ids = await started(tracker, ['a', 'a', 'a', 'a']);
    const live = await tracker.startRun({ experiment: 'a' });
    const records = (await storage.list({ prefix: 'tracking/runs/' })).entries.map((entry) => entry.key);
    await storage.write([{ kind: 'put', key: records[2]!, bytes: new TextEncoder().encode('{"torn') }]);
    await storage.append(`tracking/metrics/${live.id}`, [Uint8Array.of(1, 2, 3)]);

    const page = await tracker.listRuns({ experiments: ['a'] });
    expect(idsOf(page.items)).toEqual([ids[3], ids[1], ids[0]]);
    expect(page.damaged).toEqual([
      { id: live.id, error: expect.objectContaining({ code: 'integrity', message: expect.stringContaining(live.id) }) },
      { id: ids[2], error: expect.objectContaining({ code: 'integrity' }) },
    ]);
    expect(idsOf(await all(tracker.runs()))).toEqual([ids[3], ids[1], ids[0]]);
    expect(told).toHaveLength(2);
    await expect(tracker.getRun(ids[2]!)).rejects.toMatchObject({ code: 'integrity' });
  });

  it('does not take a storage that fails for damaged runs', async () => {
    const storage = new MemoryStorage();
    const tracker = new Tracker({ storage });
    await started(tracker, ['a']);
    await storage.close();
    await expect(tracker.listRuns()).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('metricHistory', () => {
  it('is empty for a metric that was never logged', async () => {
    const tracker = new Tracker({ storage: new MemoryStorage() });
    const [id] = await started(tracker, ['a']);
    const history = await tracker.metricHistory(id!, 'loss');
    expect([history.steps.length, history.values.length, history.timestamps.length]).toEqual([0, 0, 0]);
  });
});

describe('a metric batch', () => {
  const points = { session: 's', number: 1, names: ['a'], codes: [0], steps: [1], timestamps: [2], values: Float64Array.of(3) };

  it('takes 17 bytes a point at most when steps and times are usual', () => {
    const rows = 10_000;
    const steps = Array.from({ length: rows }, (_, i) => i);
    const batch = { ...points, codes: steps.map(() => 0), steps, timestamps: steps.map((i) => 1_795_472_826_275 + i), values: new Float64Array(rows) };
    expect(encodeBatch(batch).length).toBeLessThanOrEqual(17 * rows + 256);
  });

  it('is read from an unaligned slice of a larger buffer', () => {
    const bytes = encodeBatch(points);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect([...decodeBatch(shifted.subarray(3), 'log').values]).toEqual([3]);
  });

  it('that is cut off or of a later form is an error that names the log', () => {
    const bytes = encodeBatch(points);
    for (const length of [0, 3, 20, bytes.length - 1]) {
      expect(() => decodeBatch(bytes.slice(0, length), 'tracking/metrics/x')).toThrow(expect.objectContaining({ code: 'integrity', details: { key: 'tracking/metrics/x' } }));
    }
    const later = new TextDecoder('latin1').decode(bytes).replace('"format":1', '"format":2');
    expect(() => decodeBatch(Uint8Array.from(later, (c) => c.charCodeAt(0)), 'x')).toThrow(expect.objectContaining({ code: 'unsupported' }));
  });
});

describe('reading runs that are open', () => {
  it('reads of their logs only what is new, and tells what a tracker tells that reads all', async () => {
    const storage = new MemoryStorage();
    let entries = 0;
    const counted = new Proxy<StorageAdapter>(storage, {
      get: (target, property) => {
        if (property === 'readLog') {
          return async function* (...args: Parameters<StorageAdapter['readLog']>) {
            for await (const entry of target.readLog(...args)) {
              entries++;
              yield entry;
            }
          };
        }
        const value: unknown = Reflect.get(target, property);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const writers = [new Tracker({ storage }), new Tracker({ storage })];
    const first = await writers[0]!.startRun({ experiment: 'e' });
    const second = await writers[1]!.startRun({ resume: first.id });
    const reader = new Tracker({ storage: counted });
    for (let round = 0; round < 20; round++) {
      first.logMetrics({ a: round, b: -round }, { step: round });
      second.logMetrics({ b: round, [`c${round}`]: NaN }, { step: 30 - round });
      await Promise.all([first.flush(), second.flush()]);
      const [one, page] = await Promise.all([reader.getRun(first.id), reader.listRuns()]);
      const whole = await new Tracker({ storage }).getRun(first.id);
      expect(one.metrics).toEqual(whole.metrics);
      expect(page.items.map(({ metrics }) => metrics)).toEqual([whole.metrics]);
      expect(await reader.compareRuns([first.id, first.id])).toEqual(await new Tracker({ storage }).compareRuns([first.id, first.id]));
      expect(await reader.reproduction(first.id)).toEqual(await new Tracker({ storage }).reproduction(first.id));
    }
    // Two new batches a round, which two calls at once read; comparing and repeating find nothing new.
    expect(entries).toBeLessThanOrEqual(80);
    await first.end();
    await second.end();
    expect(await reader.getRun(first.id)).toEqual(await new Tracker({ storage }).getRun(first.id));
  });
});
