import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker, type AdapterSupports } from 'modelkeep';
import type { ImportedPoints, ImportedRun } from 'modelkeep/interchange';
import { all } from './imported.ts';
import { of, run, startedAt } from './made-runs.ts';

/** A store of small entries, so that few points are several batches, which hands over to others before and after each call. */
class SmallStorage extends MemoryStorage {
  override readonly supports: AdapterSupports = { ...new MemoryStorage().supports, maxEntryBytes: 1_000, maxRecordBytes: 1_000 };
  /** How many writes and appends are still made; then whoever makes them is gone, before or after the last one took effect. */
  left = Infinity;
  losesAnswer = false;
  pause: () => Promise<void> = async () => undefined;

  override async write(...args: Parameters<MemoryStorage['write']>): ReturnType<MemoryStorage['write']> {
    return this.#take(() => super.write(...args));
  }

  override async append(...args: Parameters<MemoryStorage['append']>): ReturnType<MemoryStorage['append']> {
    return this.#take(() => super.append(...args));
  }

  async #take<T>(call: () => Promise<T>): Promise<T> {
    await this.pause();
    const isLast = this.left-- <= 0;
    if (isLast && !this.losesAnswer) throw new Error('gone');
    const result = await call();
    if (isLast) throw new Error('gone');
    await this.pause();
    return result;
  }
}

/** The points of two metrics, one file after the other, as in `mlruns`: what is new of the first comes before what is old of the second. */
function grown(a: number, b: number): ImportedRun {
  const series = (name: string, count: number): ImportedPoints => ({
    names: [name],
    codes: new Uint8Array(count),
    steps: Float64Array.from({ length: count }, (_, i) => i),
    timestamps: Float64Array.from({ length: count }, (_, i) => startedAt + i),
    values: Float64Array.from({ length: count }, (_, i) => 1 / (i + 1)),
  });
  return run('x:1', [series('a', a), series('b', b)]);
}

async function expectOnce(storage: MemoryStorage, a: number, b: number): Promise<void> {
  const tracker = new Tracker({ storage });
  const runs = await all(tracker.runs());
  expect(runs).toHaveLength(1);
  for (const [name, count] of [['a', a], ['b', b]] as const) {
    const { metrics } = await tracker.compareRuns([runs[0]!.id, runs[0]!.id], { only: 'all', directions: { a: 'min', b: 'min' } });
    expect(metrics.find((metric) => metric.name === name)!.best[0]).toMatchObject({ step: count - 1, value: 1 / count });
    expect(runs[0]!.metrics[name]).toEqual({ step: count - 1, timestamp: startedAt + count - 1, value: 1 / count });
    expect([...(await tracker.metricHistory(runs[0]!.id, name)).steps], name).toEqual(Array.from({ length: count }, (_, i) => i));
  }
}

describe('an import', () => {
  it('that is stopped at any write, and again at any write when it is repeated, loses and doubles nothing', async () => {
    for (let first = 0; first < 12; first++) {
      for (let second = 0; second < 12; second++) {
        const storage = new SmallStorage();
        const tracker = new Tracker({ storage });
        storage.losesAnswer = (first + second) % 2 === 0;
        for (const [left, a] of [[first, 60], [second, 75]] as const) {
          storage.left = left;
          await tracker.importRuns(of(grown(a, 50))).catch((error: Error) => expect(error.message).toBe('gone'));
          // What is seen is whole.
          for (const seen of await all(tracker.runs())) expect(seen.metrics).toMatchObject({ a: { step: expect.toSatisfy((step) => step >= 59) }, b: { step: 49 } });
        }
        storage.left = Infinity;
        await tracker.importRuns(of(grown(90, 70)));
        await expectOnce(storage, 90, 70);
        expect((await tracker.importRuns(of(grown(90, 70)))).unchanged).toHaveLength(1);
      }
    }
  });

  it('beside others of the same run, of which each sees it grown further, counts no point twice and loses none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(120), fc.nat(120)), { minLength: 2, maxLength: 4 }), fc.array(fc.nat(6), { minLength: 50, maxLength: 50 }), async (seen, pauses) => {
        const storage = new SmallStorage();
        let turn = 0;
        storage.pause = async () => {
          for (let ticks = pauses[turn++ % pauses.length]!; ticks > 0; ticks--) await Promise.resolve();
        };
        const reports = await Promise.all(seen.map(([a, b]) => new Tracker({ storage }).importRuns(of(grown(a + 1, b + 1)))));
        expect(reports.flatMap(({ damaged }) => damaged)).toEqual([]);
        await expectOnce(storage, 1 + Math.max(...seen.map(([a]) => a)), 1 + Math.max(...seen.map(([, b]) => b)));
      }),
      { numRuns: 60, seed: 3 },
    );
  });
});
