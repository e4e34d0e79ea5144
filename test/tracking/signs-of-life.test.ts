import { describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker } from 'modelkeep';
import { keys } from '../../src/tracking/tracking-keys.ts';
import { ManualClock } from './manual-clock.ts';

const minute = 60_000;

function setUp(): { storage: MemoryStorage; clock: ManualClock; tracker: Tracker; later: Tracker } {
  const storage = new MemoryStorage();
  const clock = new ManualClock();
  return { storage, clock, tracker: new Tracker({ storage, clock }), later: new Tracker({ storage, clock }) };
}

/** What is left of a tracker whose process is dead: its runs, and nobody who gives signs of life. */
async function abandonedRun(storage: MemoryStorage): Promise<{ id: string; diedAt: number }> {
  const clock = new ManualClock();
  const run = await new Tracker({ storage, clock }).startRun({ experiment: 'e' });
  run.logMetrics({ loss: 3 });
  await run.flush();
  await clock.pass(2 * minute);
  return { id: run.id, diedAt: clock.now() };
}

describe('a run whose process is gone', () => {
  it('has crashed, at the last sign of life, however it is asked for', async () => {
    const { storage, clock, later } = setUp();
    const { id, diedAt } = await abandonedRun(storage);
    await clock.pass(6 * minute);
    expect((await later.getRun(id)).status).toBe('running');
    await clock.pass(4 * minute);
    const crashed = { id, status: 'crashed', endedAt: diedAt, reason: 'no sign of life', metrics: { loss: { value: 3 } } };
    expect(await later.getRun(id)).toMatchObject(crashed);
    expect((await later.listRuns()).items).toMatchObject([crashed]);
  });

  it('can be resumed, and is running again', async () => {
    const { storage, clock, later } = setUp();
    const { id } = await abandonedRun(storage);
    await clock.pass(60 * minute);
    const run = await later.startRun({ resume: id });
    expect((await later.getRun(id)).status).toBe('running');
    const ended = await run.end();
    expect(ended).toMatchObject({ status: 'finished', metrics: { loss: { value: 3 } } });
    expect(await later.getRun(id)).toEqual(ended);
    // The record says all now: with no session open, nobody reads the log any more.
    await storage.deleteLog(keys.metrics(id));
    expect(await later.getRun(id)).toEqual(ended);
  });
});

describe('a run that is open', () => {
  it('is running for as long as signs of life come, and says so with one record for all runs', async () => {
    const { storage, clock, tracker, later } = setUp();
    const runs = await Promise.all([tracker.startRun({ experiment: 'a' }), tracker.startRun({ experiment: 'b' })]);
    await clock.pass(24 * 60 * minute);
    for (const run of runs) expect((await later.getRun(run.id)).status).toBe('running');
    expect((await storage.list({ prefix: keys.heartbeats })).entries).toHaveLength(1);
  });

  it('gives none when it has ended, and again when another starts', async () => {
    const { clock, tracker, later } = setUp();
    await (await tracker.startRun({ experiment: 'a' })).end();
    expect(clock.timers).toBe(0);
    await clock.pass(60 * minute);
    const next = await tracker.startRun({ experiment: 'a' });
    expect((await later.getRun(next.id)).status).toBe('running');
    await clock.pass(60 * minute);
    expect((await later.getRun(next.id)).status).toBe('running');
  });

  it('goes on when a sign of life cannot be written, and tells', async () => {
    const { storage, clock } = setUp();
    const errors: unknown[] = [];
    const tracker = new Tracker({ storage, clock, onError: (error) => errors.push(error) });
    const run = await tracker.startRun({ experiment: 'a' });
    await storage.close();
    await clock.pass(minute);
    expect(errors).toEqual([expect.objectContaining({ code: 'closed' }), expect.objectContaining({ code: 'closed' })]);
    expect(run.ended).toBe(false);
  });

  it('takes the time between signs of life from its tracker', async () => {
    const { storage, clock, later } = setUp();
    const own = new ManualClock();
    const run = await new Tracker({ storage, clock: own, heartbeatInterval: '1s' }).startRun({ experiment: 'a' });
    await clock.pass(9_000);
    expect((await later.getRun(run.id)).status).toBe('running');
    await clock.pass(1_000);
    expect((await later.getRun(run.id)).status).toBe('crashed');
    expect(() => new Tracker({ storage, heartbeatInterval: 0 })).toThrow(/heartbeatInterval/);
  });
});

describe('signs of life in a store', () => {
  it('that are damaged hide no run', async () => {
    const { storage, clock, tracker, later } = setUp();
    const run = await tracker.startRun({ experiment: 'a' });
    await (await tracker.startRun({ experiment: 'b' })).end();
    const { key } = (await storage.list({ prefix: keys.heartbeats })).entries[0]!;
    await storage.write([{ kind: 'put', key, bytes: new Uint8Array([1, 2]) }]);
    expect((await later.listRuns()).items.map(({ status }) => status)).toEqual(['finished', 'crashed']);
    expect((await later.searchRuns()).items).toHaveLength(2);
    await clock.pass(minute);
    expect((await later.getRun(run.id)).status).toBe('running');
  });

  it('stay while a run needs them to say when it crashed, and go when none does', async () => {
    const { storage, clock, later } = setUp();
    const { id, diedAt } = await abandonedRun(storage);
    await clock.pass(30 * 24 * 60 * minute);
    await later.purgeDeleted();
    expect(await later.getRun(id)).toMatchObject({ status: 'crashed', endedAt: diedAt });
    await later.deleteRun(id);
    await later.purgeDeleted({ olderThan: 0 });
    expect((await storage.list({ prefix: keys.heartbeats })).entries).toEqual([]);
  });
});
