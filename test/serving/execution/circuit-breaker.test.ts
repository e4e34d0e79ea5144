import { describe, expect, it } from 'vitest';
import { callerOf } from '../../../src/core/abort.ts';
import { EventClock } from './event-clock.ts';
import { outcomeOf, runnerOf } from './runner-world.ts';

/** A model that does as it is told: fails, answers late, or answers. */
function toldModel(clock: EventClock, limits: Parameters<typeof runnerOf>[1] = {}) {
  const asked: string[] = [];
  const predict = async (what: string): Promise<string> => {
    asked.push(what);
    if (what === 'fail') throw new Error('no');
    await clock.sleep(what === 'slow' ? 100 : 1);
    return what;
  };
  const { runner } = runnerOf({ predict }, { ...limits, clock });
  const ask = async (...what: string[]): Promise<(string | undefined)[]> => {
    const outcomes = what.map((each) => outcomeOf(runner.run(each)));
    await clock.run(clock.now() + 200);
    return outcomes.map(({ value, error }) => value?.output ?? error?.code);
  };
  return { runner, asked, ask };
}

describe('the circuit breaker of a version', () => {
  it('opens when a share of the last requests has failed, and no sooner than it has seen enough', async () => {
    const clock = new EventClock();
    const { runner, ask, asked } = toldModel(clock, { limits: { breaker: { failureRate: 0.5, window: 10, minRequests: 4 } } });
    await ask('fail', 'fail', 'fail');
    expect(runner.breaker).toBe('closed');
    await ask('ok', 'ok', 'ok', 'ok');
    await ask('fail');
    expect(runner.breaker).toBe('open');
    expect(await ask('ok')).toEqual(['unavailable']);
    expect(asked.length).toBe(8);
  });

  it('forgets what was before the last requests', async () => {
    const clock = new EventClock();
    const { runner, ask } = toldModel(clock, { limits: { breaker: { failureRate: 0.5, window: 4, minRequests: 4 } } });
    for (let i = 0; i < 10; i++) await ask('fail', 'ok', 'ok', 'ok');
    expect(runner.breaker).toBe('closed');
    await ask('fail');
    await ask('fail');
    expect(runner.breaker).toBe('open');
  });

  it('lets one request at a time through after a while, and closes when it is answered', async () => {
    const clock = new EventClock();
    const { runner, ask, asked } = toldModel(clock, { limits: { breaker: { window: 4, minRequests: 2, openFor: '5s' } } });
    await ask('fail', 'fail');
    await clock.run(5000);
    expect(runner.breaker).toBe('half-open');
    expect(await ask('fail', 'ok')).toEqual(['model-failed', 'unavailable']);
    expect(runner.breaker).toBe('open');
    await clock.run(clock.now() + 5000);
    expect(await ask('ok', 'ok')).toEqual(['ok', 'unavailable']);
    expect(runner.breaker).toBe('closed');
    expect(await ask('ok', 'ok')).toEqual(['ok', 'ok']);
    expect(asked).toEqual(['fail', 'fail', 'fail', 'ok', 'ok', 'ok']);
  });

  it('lets another probe through when the first was given up, or was asked what nobody can answer', async () => {
    const clock = new EventClock();
    const { runner, ask } = toldModel(clock, { limits: { breaker: { window: 4, minRequests: 2, openFor: '1s' } } });
    await ask('fail', 'fail');
    await clock.run(2000);
    const controller = new AbortController();
    const left = outcomeOf(runner.run('ok', { caller: callerOf(controller.signal) }));
    controller.abort();
    expect(await ask('ok')).toEqual(['ok']);
    expect([left.error?.code, runner.breaker]).toEqual(['aborted', 'closed']);
  });

  it('heeds nothing of what began before it opened', async () => {
    const clock = new EventClock();
    const { runner, ask } = toldModel(clock, { limits: { breaker: { window: 4, minRequests: 2, openFor: 50 } } });
    const slow = [outcomeOf(runner.run('slow')), outcomeOf(runner.run('fail')), outcomeOf(runner.run('fail'))];
    await clock.run(60);
    expect(runner.breaker).toBe('half-open');
    await clock.run(120);
    expect([slow[0]?.value?.output, runner.breaker]).toEqual(['slow', 'half-open']);
    expect(await ask('ok')).toEqual(['ok']);
  });

  it('counts what is too slow as a failure, where that is asked for', async () => {
    const clock = new EventClock();
    const { runner, ask } = toldModel(clock, { limits: { breaker: { window: 4, minRequests: 2, slowCall: 50 } } });
    expect(await ask('slow', 'slow')).toEqual(['slow', 'slow']);
    expect(runner.breaker).toBe('open');
  });

  it('refuses at once who waits when it opens', async () => {
    const clock = new EventClock();
    const { ask, asked } = toldModel(clock, { limits: { inFlight: 1, breaker: { window: 4, minRequests: 2 } } });
    expect(await ask('fail', 'fail', 'ok', 'ok')).toEqual(['model-failed', 'model-failed', 'unavailable', 'unavailable']);
    expect(asked).toEqual(['fail', 'fail']);
  });

  it('never opens where there is none', async () => {
    const clock = new EventClock();
    const { runner, ask } = toldModel(clock, { limits: { breaker: false } });
    await ask(...Array<string>(50).fill('fail'));
    expect(runner.breaker).toBe('closed');
  });
});
