import { describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker, collectGarbage, type Run } from 'modelkeep';
import { ManualClock } from './manual-clock.ts';

const day = 24 * 60 * 60_000;

function setUp(): { storage: MemoryStorage; clock: ManualClock; tracker: Tracker } {
  const storage = new MemoryStorage();
  const clock = new ManualClock();
  return { storage, clock, tracker: new Tracker({ storage, clock }) };
}

async function fullRun(tracker: Tracker): Promise<Run> {
  const parent = await tracker.startRun({ experiment: 'e' });
  const run = await tracker.startRun({ experiment: 'e', parent });
  run.logMetrics({ loss: 1 });
  await run.logArtifact('a/b.txt', 'hello');
  await run.logDataset({ name: 'd', role: 'training', rows: [{ x: 1 }] });
  await run.end();
  await parent.end();
  return run;
}

async function everything(storage: MemoryStorage): Promise<string[]> {
  const lists = await Promise.all((['record', 'log'] as const).map((kind) => storage.list({ kind, limit: 10_000 })));
  return lists.flatMap(({ entries }) => entries.map(({ key }) => key));
}

const idsOf = (page: { items: readonly { id: string }[] }): string[] => page.items.map(({ id }) => id);

describe('a deleted run', () => {
  it('is in no list unless it is asked for, and is still there with all that it has', async () => {
    const { tracker } = setUp();
    const run = await fullRun(tracker);
    const deleted = await tracker.deleteRun(run.id);
    expect(deleted.deletedAt).toBe(1_000_000);
    expect(await tracker.deleteRun(run.id)).toEqual(deleted);
    expect(idsOf(await tracker.listRuns())).not.toContain(run.id);
    expect(idsOf(await tracker.listRuns({ experiments: ['e'], deleted: 'only' }))).toEqual([run.id]);
    expect(idsOf(await tracker.listRuns({ deleted: 'include' }))).toHaveLength(2);
    expect(await tracker.getRun(run.id)).toEqual(deleted);
    expect((await tracker.metricHistory(run.id, 'loss')).values).toHaveLength(1);
    await expect(tracker.listRuns({ deleted: 'all' as never })).rejects.toMatchObject({ code: 'validation' });
  });

  it('cannot be resumed until it is restored', async () => {
    const { tracker } = setUp();
    const run = await fullRun(tracker);
    await tracker.deleteRun(run.id);
    await expect(tracker.startRun({ resume: run.id })).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('restoreRun') });
    const restored = await tracker.restoreRun(run.id);
    expect(restored).not.toHaveProperty('deletedAt');
    expect(await tracker.restoreRun(run.id)).toEqual(restored);
    await (await tracker.startRun({ resume: run.id })).end();
  });

  it('takes nothing from those who have it open, keeps what they logged, and all of it when it is restored', async () => {
    const { storage, clock, tracker } = setUp();
    const errors: unknown[] = [];
    const elsewhere = new Tracker({ storage, clock, onError: (error) => errors.push(error) });
    const run = await elsewhere.startRun({ experiment: 'e' });
    run.logMetrics({ loss: 3 }, { step: 0 });
    await run.flush();
    await tracker.deleteRun(run.id);
    const refused = { code: 'conflict', message: expect.stringContaining(`restoreRun('${run.id}')`) };
    run.logMetrics({ loss: 2 }, { step: 1 });
    await expect(run.flush()).rejects.toMatchObject(refused);
    run.setTags({ team: 'ops' });
    await expect(run.flush()).rejects.toMatchObject(refused);
    await expect(run.logParams({ lr: 1 })).rejects.toMatchObject(refused);
    await expect(run.logText('a.txt', 'a')).rejects.toMatchObject(refused);
    await expect(run.logDataset({ name: 'd', role: 'test', rows: [] })).rejects.toMatchObject(refused);
    expect((await tracker.metricHistory(run.id, 'loss')).values).toHaveLength(1);

    await tracker.restoreRun(run.id);
    await run.flush();
    expect([...(await tracker.metricHistory(run.id, 'loss')).values]).toEqual([3, 2]);
    await tracker.deleteRun(run.id);
    run.logMetrics({ loss: 1 }, { step: 2 });
    expect(await run.end()).toMatchObject({ status: 'finished', deletedAt: 1_000_000, droppedPoints: 0, tags: { team: 'ops' }, metrics: { loss: { value: 1 } } });
    expect([...(await tracker.metricHistory(run.id, 'loss')).values]).toEqual([3, 2, 1]);
    expect(errors).toEqual([]);
  });

  it('must have ended with this tracker, and must exist', async () => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    await expect(tracker.deleteRun(run.id)).rejects.toMatchObject({ code: 'conflict' });
    await expect(tracker.deleteRun('nobody')).rejects.toMatchObject({ code: 'not-found' });
    await expect(tracker.restoreRun('nobody')).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('purgeDeleted', () => {
  it('leaves nothing of runs that were deleted long ago, and all of the others', async () => {
    const { tracker, storage, clock } = setUp();
    const kept = await fullRun(tracker);
    const before = await everything(storage);
    const gone = await fullRun(tracker);
    await tracker.deleteRun(gone.id);
    const parent = (await tracker.getRun(gone.id)).parent!;
    await tracker.deleteRun(parent);
    await clock.pass(29 * day);
    expect(await tracker.purgeDeleted()).toEqual({ purged: [], kept: 2 });
    await clock.pass(day);
    const report = await tracker.purgeDeleted();
    expect([...report.purged].sort()).toEqual([gone.id, parent].sort());
    expect(await everything(storage)).toEqual(before.filter((key) => !key.startsWith('tracking/heartbeats/')));
    expect(await tracker.getRun(kept.id)).toMatchObject({ metrics: { loss: { value: 1 } } });
    await expect(tracker.getRun(gone.id)).rejects.toMatchObject({ code: 'not-found' });
    await expect(tracker.restoreRun(gone.id)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('keeps those that someone has open, until they give no sign of life any more', async () => {
    const { storage, clock, tracker } = setUp();
    const run = await new Tracker({ storage, clock }).startRun({ experiment: 'e' });
    run.logMetrics({ loss: 1 });
    await run.flush();
    await tracker.deleteRun(run.id);
    expect(await tracker.purgeDeleted({ olderThan: 0 })).toEqual({ purged: [], kept: 1 });
    const other = new Tracker({ storage, clock: new ManualClock(clock.now() + day) });
    expect(await other.purgeDeleted({ olderThan: 0 })).toEqual({ purged: [run.id], kept: 0 });
    await expect(run.logText('a.txt', 'a')).rejects.toMatchObject({ code: 'not-found' });
    run.logMetrics({ loss: 2 });
    await expect(run.end()).rejects.toMatchObject({ code: 'not-found' });
    expect((await everything(storage)).filter((key) => key.includes(run.id))).toEqual([]);
  });

  it('frees the bytes of artifacts that nothing else names', async () => {
    const { tracker, storage, clock } = setUp();
    const run = await fullRun(tracker);
    await tracker.deleteRun(run.id);
    await tracker.purgeDeleted({ olderThan: 0 });
    await collectGarbage(storage, { clock });
    await clock.pass(3 * day);
    await collectGarbage(storage, { clock });
    expect((await storage.list({ kind: 'blob' })).entries).toEqual([]);
  });

  it('is finished by the next one when it is cut off anywhere', async () => {
    for (let failing = 1; ; failing++) {
      const { tracker, storage } = setUp();
      const run = await fullRun(tracker);
      await tracker.deleteRun(run.id);
      let calls = 0;
      const fail = (): void => {
        if (++calls === failing) throw new Error('the power went');
      };
      const cut = new Proxy(storage, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]): unknown => {
            if (name === 'write' || name === 'deleteLog') fail();
            return Reflect.apply(value, target, args);
          };
        },
      });
      const first = await new Tracker({ storage: cut }).purgeDeleted({ olderThan: 0 }).catch((error: unknown) => error);
      if (!(first instanceof Error)) {
        expect(failing).toBeGreaterThan(4);
        return;
      }
      // Until a purge has begun to take a run apart it can be restored whole, and afterwards not at all.
      const restored = await tracker.restoreRun(run.id).catch((error: unknown) => error);
      if (restored instanceof Error) expect(restored).toMatchObject({ code: 'not-found' });
      else expect(restored).toMatchObject({ metrics: { loss: { value: 1 } } });
      await tracker.deleteRun(run.id).catch(() => undefined);
      await tracker.purgeDeleted({ olderThan: 0 });
      expect((await everything(storage)).filter((key) => key.includes(run.id) || key.includes('lineage'))).toEqual([]);
    }
  });
});
