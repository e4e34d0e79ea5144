import { MemoryStorage, Pipeline } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { AttemptStop } from '../../src/pipelines/attempt-stop.ts';

describe('the stop of an attempt', () => {
  it('fires the signal that was asked for before, once and for the first reason', () => {
    const stop = new AttemptStop();
    const { signal } = stop;
    const told: unknown[] = [];
    signal.addEventListener('abort', () => told.push(['signal', signal.reason]));
    stop.onStop(() => told.push(['listener', stop.reason]));
    expect([stop.stopped, signal.aborted]).toEqual([false, false]);
    stop.abort('first');
    stop.abort('second');
    expect(told).toEqual([['signal', 'first'], ['listener', 'first']]);
    expect([stop.stopped, stop.reason, signal.reason, stop.signal === signal]).toEqual([true, 'first', 'first', true]);
  });

  it('gives a signal that has fired to who asks afterwards, and calls who listens afterwards', () => {
    const stop = new AttemptStop();
    const reason = new Error('enough');
    stop.abort(reason);
    let called = 0;
    stop.onStop(() => called++);
    expect([stop.signal.aborted, stop.signal.reason === reason, called]).toEqual([true, true, 1]);
  });

  it('has the reason of signals where none is given', () => {
    const stop = new AttemptStop();
    stop.abort();
    expect(stop.reason).toMatchObject({ name: 'AbortError' });
    expect(stop.signal.reason).toBe(stop.reason);
  });

  it('is one signal to the step, wherever it takes it from', async () => {
    const pipeline = new Pipeline({ name: 'signals', storage: new MemoryStorage() });
    const same = pipeline.step('look', {}, (context) => {
      const { signal, run } = { ...context };
      return [signal instanceof AbortSignal, signal === context.signal, signal === run.signal, signal.aborted, Object.keys(context).includes('signal')];
    });
    expect((await pipeline.run()).output(same)).toEqual([true, true, true, false, true]);
  });
});
