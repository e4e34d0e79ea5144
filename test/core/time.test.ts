import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { backoffMs } from '../../src/core/backoff.ts';
import { sleep, systemClock, type Clock } from '../../src/core/clock.ts';
import { durationMs, type Duration } from '../../src/core/duration.ts';
import { seededRandom } from '../../src/core/random.ts';

/** A clock that a test winds. */
class FakeClock implements Clock {
  time = 0;
  readonly timers = new Map<() => void, number>();

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  setTimer(callback: () => void, ms: number): () => void {
    this.timers.set(callback, this.time + ms);
    return () => void this.timers.delete(callback);
  }

  wind(ms: number): void {
    this.time += ms;
    for (const [callback, at] of [...this.timers]) {
      if (at > this.time) continue;
      this.timers.delete(callback);
      callback();
    }
  }
}

describe('durationMs', () => {
  it('reads milliseconds and every unit', () => {
    const cases: [Duration, number][] = [[0, 0], [1.5, 1.5], ['250ms', 250], ['30s', 30_000], ['1.5m', 90_000], ['2h', 7_200_000], ['7d', 604_800_000], ['0s', 0]];
    for (const [duration, ms] of cases) expect(durationMs(duration)).toBe(ms);
  });

  it('refuses everything else, naming the path', () => {
    for (const bad of [-1, NaN, Infinity, '', '5', '5 s', '-5s', '5S', '5w', '.5s', '1e3s', `${'9'.repeat(400)}d`, null, undefined, {}, 5n, ['5s']]) {
      expect(() => durationMs(bad as Duration, 'window.every')).toThrow(expect.objectContaining({ code: 'validation', details: { path: 'window.every' } }));
    }
  });
});

describe('backoffMs', () => {
  it('doubles up to its cap, spread over the upper half', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer(), (attempt, seed) => {
        const wait = backoffMs(attempt, { initialMs: 10, maxMs: 1000 }, seededRandom(seed));
        const full = Math.min(1000, 10 * 2 ** (attempt - 1));
        expect(wait).toBeGreaterThanOrEqual(full / 2);
        expect(wait).toBeLessThan(full);
      }),
    );
    expect([1, 2, 3, 4].map((attempt) => backoffMs(attempt, { initialMs: 8, factor: 3 }, () => 0))).toEqual([4, 12, 36, 108]);
  });
});

describe('seededRandom', () => {
  it('repeats itself, and is the same everywhere', () => {
    const random = seededRandom(42);
    const first = [random(), random(), random()];
    expect(first).toEqual([0.6011037519201636, 0.44829055899754167, 0.8524657934904099]);
    const again = seededRandom(42);
    expect([again(), again(), again()]).toEqual(first);
  });
});

describe('sleep', () => {
  it('ends when its time has come and not before', async () => {
    const clock = new FakeClock();
    let done = false;
    const sleeping = sleep(clock, 100).then(() => (done = true));
    clock.wind(99);
    await Promise.resolve();
    expect(done).toBe(false);
    clock.wind(1);
    await sleeping;
    expect(done).toBe(true);
  });

  it('ends with the signal, leaving no timer and no listener', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const removed = vi.spyOn(controller.signal, 'removeEventListener');
    const done = sleep(clock, 100, controller.signal);
    clock.wind(100);
    await done;
    expect(removed).toHaveBeenCalled();
    const sleeping = sleep(clock, 100, controller.signal);
    controller.abort(new Error('enough'));
    await expect(sleeping).rejects.toMatchObject({ code: 'aborted', cause: new Error('enough') });
    await expect(sleep(clock, 100, controller.signal)).rejects.toMatchObject({ code: 'aborted' });
    expect(clock.timers.size).toBe(0);
  });
});

describe('systemClock', () => {
  it('arms timers longer than 32 bits in parts, and undoes them', () => {
    vi.useFakeTimers();
    try {
      const days = 60 * 86_400_000;
      const fired = vi.fn();
      systemClock.setTimer(fired, days);
      const undo = systemClock.setTimer(fired, days);
      vi.advanceTimersByTime(days / 2);
      undo();
      expect(fired).not.toHaveBeenCalled();
      vi.advanceTimersByTime(days / 2);
      expect(fired).toHaveBeenCalledTimes(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('keeps no process alive unless asked to', () => {
    const unref = vi.fn();
    const timer = vi.spyOn(globalThis, 'setTimeout').mockImplementation((() => ({ unref })) as never);
    try {
      systemClock.setTimer(() => undefined, 1);
      expect(unref).toHaveBeenCalledTimes(1);
      systemClock.setTimer(() => undefined, 1, { keepAlive: true });
      expect(unref).toHaveBeenCalledTimes(1);
    } finally {
      timer.mockRestore();
    }
  });
});
