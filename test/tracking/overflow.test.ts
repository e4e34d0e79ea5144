import { describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker, type Run, type TrackerOptions } from 'modelkeep';
import { ManualClock } from './manual-clock.ts';
import { MoodyStorage } from './moody-storage.ts';

async function stalled(options: Partial<TrackerOptions>): Promise<{ moody: MoodyStorage; tracker: Tracker; run: Run }> {
  const moody = new MoodyStorage(new MemoryStorage());
  const tracker = new Tracker({ storage: moody.adapter, clock: new ManualClock(), maxBufferedPoints: 1024, ...options });
  const run = await tracker.startRun({ experiment: 'e' });
  moody.broken.add('append');
  return { moody, tracker, run };
}

describe('a storage that does not keep up', () => {
  it('with overflow: sample makes the curve coarser the fuller the buffer is, and counts what is missing', async () => {
    const { moody, tracker, run } = await stalled({ overflow: 'sample' });
    for (let step = 0; step < 4000; step++) run.logMetrics({ loss: step }, { step });
    moody.broken.clear();
    const { droppedPoints } = await run.end();
    const { steps } = await tracker.metricHistory(run.id, 'loss');
    expect(steps.length + droppedPoints).toBe(4000);
    const gaps = Array.from(steps.subarray(1), (step, i) => step - steps[i]!);
    expect(gaps.slice(0, 511).every((gap) => gap === 1)).toBe(true);
    expect([...new Set(gaps)].slice(0, 5)).toEqual([1, 2, 4, 8, 16]);
    // Far behind the 1024 at which plain dropping breaks off.
    expect(steps.at(-1)).toBeGreaterThan(2500);
  });

  it('with overflow: sample takes every point again when there is room', async () => {
    const { moody, tracker, run } = await stalled({ overflow: 'sample' });
    for (let step = 0; step < 2000; step++) run.logMetrics({ loss: 0 }, { step });
    moody.broken.clear();
    await run.flush();
    for (let step = 2000; step < 2500; step++) run.logMetrics({ loss: 0 }, { step });
    await run.end();
    const { steps } = await tracker.metricHistory(run.id, 'loss');
    expect(steps.filter((step) => step >= 2000)).toHaveLength(500);
  });

  it('loses nothing of a loop that awaits ready()', async () => {
    const { moody, tracker, run } = await stalled({});
    let held: () => void = () => undefined;
    moody.broken.clear();
    moody.held = new Promise((resolve) => (held = resolve));
    let step = 0;
    const loop = (async (): Promise<void> => {
      for (; step < 5000; step++) {
        await run.ready();
        run.logMetrics({ loss: step }, { step });
      }
    })();
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(step).toBe(512);
    held();
    await loop;
    expect((await run.end()).droppedPoints).toBe(0);
    expect((await tracker.metricHistory(run.id, 'loss')).steps).toHaveLength(5000);
  });

  it('is told by ready() when it fails', async () => {
    const { run } = await stalled({});
    await run.ready();
    for (let step = 0; step < 600; step++) run.logMetrics({ loss: step }, { step });
    await expect(run.ready()).rejects.toThrow(/out of order/);
    await expect(run.ready({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });

  it('has no other way to overflow', () => {
    expect(() => new Tracker({ storage: new MemoryStorage(), overflow: 'wait' as never })).toThrow(/overflow is "wait"/);
  });
});
