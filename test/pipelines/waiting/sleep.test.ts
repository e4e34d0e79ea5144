import { MemoryStorage, Pipeline, type StepHandle } from 'modelkeep';
import { beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { ManualClock, settled } from '../manual-clock.ts';

const hour = 3_600_000;

// What watches waits is loaded when it is first needed, which no clock of a test waits for.
beforeAll(async () => {
  const pipeline = new Pipeline({ name: 'load', storage: new MemoryStorage() });
  pipeline.sleep('sleep', { for: 0 });
  await pipeline.run();
});

describe('a step that sleeps', () => {
  it('takes no place while it does, and ends at its moment', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage(), clock });
    const began = clock.now();
    const at: number[] = [];
    const slept = pipeline.sleep('sleep', { for: '1h' });
    expectTypeOf(slept).toEqualTypeOf<StepHandle<undefined>>();
    pipeline.step('beside', {}, () => void at.push(clock.now() - began));
    pipeline.step('after', { after: [slept] }, () => void at.push(clock.now() - began));
    const running = pipeline.run({ concurrency: 1 });
    await settled();
    expect(at).toEqual([0]);
    await clock.advance(hour - 1);
    expect(at).toEqual([0]);
    await clock.advance(1);
    const result = await running;
    expect([result.status, at, result.output(slept), clock.pending]).toEqual(['succeeded', [0, hour], undefined, 0]);
    expect(result.steps['sleep']!.endedAt! - result.steps['sleep']!.startedAt!).toBe(hour);
  });

  it('sleeps for the rest only when the run is gone on with, whatever it would answer by then', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const began = clock.now();
    let asked = 0;
    const make = (): Pipeline => {
      const pipeline = new Pipeline({ name: 'p', storage, clock, lease: '20h' });
      const day = pipeline.step('day', {}, () => new Date(began + 8 * hour));
      pipeline.sleep('night', { needs: { day }, until: ({ inputs }) => (asked++, inputs.day) });
      return pipeline;
    };
    // Two that are left in the middle, as if their processes had died.
    let id = '';
    void make().run({ onEvent: ({ run }) => (id = run) }).catch(() => undefined);
    await clock.advance(3 * hour);
    expect((await make().getRun(id)).steps['night']).toMatchObject({ status: 'waiting', waitingFor: { kind: 'sleep', since: began, until: began + 8 * hour } });
    const left = make().resume(id, { takeOver: true }).catch(() => undefined);
    await clock.advance(4 * hour);
    const last = make().resume(id, { takeOver: true });
    await clock.advance(hour - 1);
    expect((await make().getRun(id)).status).toBe('running');
    await clock.advance(1);
    expect((await last).status).toBe('succeeded');
    expect([asked, clock.now() - began]).toEqual([1, 8 * hour]);
    await clock.advance(hour);
    await left;
  });

  it('wakes by the clock on the wall, also when the host slept', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage(), clock, lease: '100d' });
    pipeline.sleep('month', { for: '30d' });
    const running = pipeline.run();
    await settled();
    clock.jump(30 * 24 * hour);
    await clock.advance(60_000);
    expect((await running).status).toBe('succeeded');
  });

  it('does not wait for what is over, and keeps a run with an approval in this process', async () => {
    const clock = new ManualClock();
    const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage(), clock });
    pipeline.sleep('past', { until: () => 0 });
    pipeline.sleep('nothing', { for: 0 });
    const slept = pipeline.sleep('hour', { for: '1h' });
    pipeline.approval('approve', { ask: () => 'Go?' });
    pipeline.step('late', { after: [slept] }, () => 1);
    const running = pipeline.run();
    await clock.advance(hour);
    const { status, steps } = await running;
    expect([status, Object.entries(steps).map(([name, step]) => `${name} ${step.status}`)]).toEqual(['waiting', ['past succeeded', 'nothing succeeded', 'hour succeeded', 'approve waiting', 'late succeeded']]);
  });

  it.each<[string, object, string]>([
    ['neither', {}, 'must have one of for and until'],
    ['both', { for: '1h', until: () => 0 }, 'must have one of for and until'],
    ['a time that is none', { for: '-1h' }, 'for is "-1h"'],
    ['a moment that is no function', { until: 5 }, 'until must be a function'],
    ['an option of other steps', { for: '1h', timeout: '1m' }, 'has no option "timeout"'],
    ['a handle of another pipeline', { for: '1h', after: [{ name: 'x', pipeline: 'y' }] }, "step 'x' of another definition"],
  ])('is refused with %s', (_, options, message) => {
    expect(() => new Pipeline({ name: 'p', storage: new MemoryStorage() }).sleep('sleep', options as never)).toThrow(message);
  });

  it.each([undefined, NaN, Infinity, new Date(NaN), '2026-01-01', 1e300])('fails for a moment that is none: %s', async (until) => {
    const pipeline = new Pipeline({ name: 'p', storage: new MemoryStorage() });
    pipeline.sleep('sleep', { until: () => until as number });
    expect((await pipeline.run()).steps['sleep']).toMatchObject({ status: 'failed', failure: { code: 'validation', message: expect.stringContaining('return a date or epoch milliseconds') as string } });
  });
});
