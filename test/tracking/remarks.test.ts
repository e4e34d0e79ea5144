import { describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker } from 'modelkeep';
import { ManualClock } from './manual-clock.ts';

function setUp(): { clock: ManualClock; tracker: Tracker } {
  const clock = new ManualClock();
  return { clock, tracker: new Tracker({ storage: new MemoryStorage(), clock }) };
}

describe('what people say of a run', () => {
  it('is given at its start', async () => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e', group: 'folds', notes: '# Why', seed: 42 });
    expect(await tracker.getRun(run.id)).toMatchObject({ group: 'folds', notes: '# Why', seed: 42 });
  });

  it('can be said while it runs, buffered like tags, and the last word counts', async () => {
    const { tracker, clock } = setUp();
    const run = await tracker.startRun({ experiment: 'e', notes: 'first' });
    run.setNotes('second');
    expect((await tracker.getRun(run.id)).notes).toBe('first');
    await clock.pass(1000);
    expect((await tracker.getRun(run.id)).notes).toBe('second');
    run.setNotes('third');
    expect((await run.end()).notes).toBe('third');
    expect(() => run.setNotes('fourth')).toThrow(expect.objectContaining({ code: 'closed' }));
  });

  it('can be changed when it has ended, and taken away', async () => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e', name: 'a', group: 'g', notes: 'n', tags: { team: 'ops' }, params: { lr: 1 } });
    const before = await run.end();
    const changed = await tracker.updateRun(run.id, { name: 'b', notes: null, tags: { seen: 'yes' } });
    const { notes: _, ...rest } = before;
    expect(changed).toEqual({ ...rest, name: 'b', tags: { team: 'ops', seen: 'yes' } });
    expect(await tracker.getRun(run.id)).toEqual(changed);
  });

  it('is refused with its name when it is not what it should be', async () => {
    const { tracker } = setUp();
    const run = await tracker.startRun({ experiment: 'e' });
    for (const bad of [{ notes: 5 }, { notes: 'x'.repeat(100_001) }, { seed: NaN }, { seed: {} }, { group: '' }]) {
      await expect(tracker.startRun({ experiment: 'e', ...(bad as object) }), JSON.stringify(bad).slice(0, 40)).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining(Object.keys(bad)[0]!) });
    }
    expect(() => run.setNotes(5 as never)).toThrow(/^notes are 5/);
    await expect(tracker.updateRun(run.id, { params: {} } as never)).rejects.toThrow(/'params', which cannot be changed/);
    await expect(tracker.updateRun(run.id, { name: '' })).rejects.toMatchObject({ code: 'validation' });
    await expect(tracker.updateRun('nobody', { name: 'x' })).rejects.toMatchObject({ code: 'not-found' });
  });
});
