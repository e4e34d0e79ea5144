import { isModelkeepError, MemoryStorage, replicate, StorageError, type Undo } from 'modelkeep';
import { describe, expect, it, vi } from 'vitest';
import { firstSchedule, nextSchedule } from '../../../src/storage/replication-schedule.ts';
import { contentsOf, put, textAt } from './contents.ts';
import { ManualClock } from './manual-clock.ts';
import { ObservedStorage } from './observed-storage.ts';

/** A source whose hints a test gives. */
class HintedStorage extends ObservedStorage {
  readonly wakes = new Set<() => void>();
  override onChange = (wake: () => void): Undo => {
    this.wakes.add(wake);
    return () => this.wakes.delete(wake);
  };

  hint(): void {
    for (const wake of this.wakes) wake();
  }
}

const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a live link', () => {
  it('looks when there is a hint, and at an interval, and is quiet in between', async () => {
    const clock = new ManualClock();
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    const from = new HintedStorage(a);
    await using link = replicate({ from, to: b, live: true, clock, interval: '5s', lock: false, wake: false });
    await link.settled();
    await put(a, 'k', 'one');
    for (let i = 0; i < 10; i++) from.hint();
    expect(clock.timers).toBe(1);
    expect(clock.next()).toBe(50);
    await vi.waitFor(async () => expect(await textAt(b, 'k')).toBe('one'));
    await put(a, 'k', 'two');
    for (let waited = 0; waited < 5000; ) {
      await vi.waitFor(() => expect(clock.timers).toBe(1));
      waited += clock.next();
    }
    await vi.waitFor(async () => expect(await textAt(b, 'k')).toBe('two'));
    await vi.waitFor(() => expect(clock.timers).toBe(1));
    from.calls.length = 0;
    for (let i = 0; i < 3; i++) {
      expect(clock.next()).toBe(5000);
      await vi.waitFor(() => expect(clock.timers).toBe(1));
    }
    // Nothing is read or written by a look that finds nothing.
    expect(new Set(from.calls.map(({ method }) => method))).toEqual(new Set(['list']));
    await link.close();
    expect([clock.timers, from.wakes.size]).toEqual([0, 0]);
  });

  it('tries again ever less often while there is no network, tells of it, and at once when it is woken', async () => {
    const clock = new ManualClock();
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    let offline = true;
    const fail = (): void => {
      if (offline) throw new StorageError('unavailable', 'No network.');
    };
    const errors: unknown[] = [];
    let wake = (): void => undefined;
    const from = new HintedStorage(a);
    await put(a, 'k', 'one');
    await using link = replicate({
      from,
      to: new ObservedStorage(b, { before: fail }),
      live: true,
      clock,
      random: () => 1,
      lock: false,
      wake: (call) => {
        wake = call;
        return () => undefined;
      },
      onError: (error) => errors.push(error),
    });
    await expect(link.settled()).rejects.toMatchObject({ code: 'unavailable' });
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      await vi.waitFor(() => expect(clock.timers).toBe(1));
      from.hint();
      expect(clock.timers).toBe(1);
      waits.push(clock.next());
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    await vi.waitFor(() => expect(errors.length).toBe(10));
    offline = false;
    wake();
    await vi.waitFor(async () => expect(await textAt(b, 'k')).toBe('one'));
    expect(await link.settled()).toMatchObject({ records: 1 });
    expect(errors.length).toBe(10);
  });

  it('settles what was there at the time of the call, though it was busy with what was before', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    let passes = 0;
    const during = async (call: { method: string; keys: readonly string[] }): Promise<void> => {
      if (call.method !== 'list' || call.keys[0] !== '' || passes++ > 0) return;
      await turns();
    };
    await using link = replicate({ from: new ObservedStorage(a, { after: during }), to: b });
    await Promise.resolve();
    await Promise.resolve();
    await put(a, 'k', 'one');
    await link.settled();
    expect(await textAt(b, 'k')).toBe('one');
  });

  it('takes turns with others by the lock it is given', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    let held = 0;
    let most = 0;
    let queue: Promise<unknown> = Promise.resolve();
    const names = new Set<string>();
    const lock = <T>(name: string, work: () => Promise<T>): Promise<T> => {
      names.add(name);
      const turn = queue.then(async () => {
        most = Math.max(most, ++held);
        return work().finally(() => held--);
      });
      queue = turn.catch(() => undefined);
      return turn;
    };
    await put(a, 'k', 'one');
    const links = [0, 1, 2].map(() => replicate({ from: a, to: b, id: 'x', lock }));
    await Promise.all(links.map((link) => link.settled()));
    expect([most, [...names]]).toEqual([1, ['modelkeep.replication/memory/x']]);
    expect(links.map((link) => link.counts().records)).toEqual([1, 0, 0]);
    for (const link of links) await link.close();
  });
});

describe('the end of a link', () => {
  it('comes where it is, by close or by a signal, and tells those who wait', async () => {
    for (const how of ['close', 'signal'] as const) {
      const [a, b] = [new MemoryStorage(), new MemoryStorage()];
      for (let i = 0; i < 3; i++) await put(a, `k/${i}`, 'text');
      const stop = new AbortController();
      let underWay = 0;
      const observer = { before: () => void underWay++, after: () => void underWay-- };
      const ends = { before: (call: { method: string }) => (call.method === 'write' ? end() : undefined) };
      const link = replicate({ from: new ObservedStorage(a, observer), to: new ObservedStorage(b, ends), signal: stop.signal, live: true });
      const end = (): void => void (how === 'close' ? link.close() : stop.abort(new Error('enough')));
      const settled = link.settled();
      await expect(settled).rejects.toMatchObject({ code: how === 'close' ? 'closed' : 'aborted' });
      await link.close();
      expect(underWay).toBe(0);
      await expect(link.settled()).rejects.toMatchObject({ code: how === 'close' ? 'closed' : 'aborted' });
      expect(await contentsOf(b)).toMatchObject({ records: {} });
      await using next = replicate({ from: a, to: b });
      expect(await next.settled()).toMatchObject({ records: 3, conflicts: 0 });
    }
  });

  it('a signal that has fired before ends it before it begins', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    const from = new ObservedStorage(a);
    const link = replicate({ from, to: b, signal: AbortSignal.abort() });
    await expect(link.settled()).rejects.toMatchObject({ code: 'aborted' });
    await link.close();
    expect(from.calls).toEqual([]);
  });

  it('who waits may leave off, and the link goes on', async () => {
    const [a, b] = [new MemoryStorage(), new MemoryStorage()];
    await put(a, 'k', 'text');
    await using link = replicate({ from: a, to: b });
    const stop = new AbortController();
    const waiting = link.settled({ signal: stop.signal });
    stop.abort();
    await expect(waiting).rejects.toSatisfy((error) => isModelkeepError(error, 'aborted'));
    expect(await link.settled()).toMatchObject({ records: 1 });
  });

  it('a failure that nobody waits for is told to onError', async () => {
    const errors: unknown[] = [];
    const to = new MemoryStorage();
    await to.close();
    const link = replicate({ from: new MemoryStorage(), to, onError: (error) => errors.push(error) });
    await vi.waitFor(() => expect(errors).toMatchObject([{ code: 'closed' }]));
    await link.close();
  });
});

describe('the schedule', () => {
  it('gives hints no more than a quarter of the time', () => {
    const [waiting] = nextSchedule({ ...firstSchedule(true, 5000), startedAt: 1000, then: 'soon' }, { kind: 'passed' }, 3000);
    expect(waiting).toMatchObject({ running: false, dueAt: 9000 });
  });

  it('begins nothing by itself when it is not live', () => {
    const [waiting] = nextSchedule(firstSchedule(false, 5000), { kind: 'passed' }, 1);
    expect(waiting.dueAt).toBeUndefined();
    expect(nextSchedule(waiting, { kind: 'timer' }, 1e9)[1]).toBe(false);
    expect(nextSchedule(waiting, { kind: 'asked' }, 2)[1]).toBe(true);
  });
});
