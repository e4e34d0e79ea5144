import { MemoryStorage, watch, withPrefix, type StoreChange } from 'modelkeep';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { StorageAdapter } from '../../src/storage/contract.ts';

/** A clock whose timers fire when told. */
class ManualClock implements Clock {
  #now = 0;
  readonly timers: { readonly at: number; readonly callback: () => void; readonly keepAlive: boolean }[] = [];

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  setTimer(callback: () => void, ms: number, options?: { keepAlive?: boolean }): () => void {
    const timer = { at: this.#now + ms, callback, keepAlive: options?.keepAlive ?? false };
    this.timers.push(timer);
    return () => {
      const index = this.timers.indexOf(timer);
      if (index >= 0) this.timers.splice(index, 1);
    };
  }

  async pass(ms: number): Promise<void> {
    await settle();
    const end = this.#now + ms;
    for (;;) {
      const next = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#now = next.at;
      next.callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }
}

/** Lets everything run that waits for nothing but its turn. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await Promise.resolve();
}

const put = async (storage: StorageAdapter, key: string, text = 'text'): Promise<string> =>
  (await storage.write([{ kind: 'put', key, bytes: utf8(text) }]))[0]!.version!;

/** Without hints, as most adapters are; counts how often it is listed. */
function polled(storage: MemoryStorage): { storage: StorageAdapter; lists: () => number } {
  let lists = 0;
  const quiet: StorageAdapter = { ...withPrefix(storage, 'p'), list: (query, options) => (lists++, withPrefix(storage, 'p').list(query, options)) };
  delete (quiet as { onChange?: unknown }).onChange;
  return { storage: quiet, lists: () => lists };
}

describe('watch', () => {
  it('tells what is written, appended and deleted below the prefix, and nothing else', async () => {
    const clock = new ManualClock();
    const { storage } = polled(new MemoryStorage());
    await put(storage, 'a/there');
    const seen: StoreChange[] = [];
    const changes = watch(storage, 'a/', { clock, interval: '1s' });
    const done = (async () => {
      for await (const change of changes) seen.push(change);
    })();
    await clock.pass(1000);
    expect(seen).toEqual([]);
    const version = await put(storage, 'a/new');
    await put(storage, 'b/other');
    await storage.append('a/log', [utf8('entry')]);
    await clock.pass(1000);
    expect(seen.splice(0)).toEqual([{ kind: 'record', key: 'a/new', version }, { kind: 'log', key: 'a/log', version: expect.any(String) }]);
    const [gone, last] = [await storage.write([{ kind: 'delete', key: 'a/there' }]), (await put(storage, 'a/new'), await put(storage, 'a/new'))];
    await storage.deleteLog('a/log');
    await clock.pass(1000);
    expect(gone[0]?.ok).toBe(true);
    expect(seen.splice(0)).toEqual([
      { kind: 'record', key: 'a/new', version: last },
      { kind: 'record', key: 'a/there', version: undefined },
      { kind: 'log', key: 'a/log', version: undefined },
    ]);
    await changes.return();
    await done;
    expect(clock.timers).toEqual([]);
  });

  it('tells what is there first when asked to, and only the kinds that are asked for', async () => {
    const clock = new ManualClock();
    const storage = new MemoryStorage();
    const version = await put(storage, 'a');
    await storage.append('a', [utf8('entry')]);
    const changes = watch(storage, '', { clock, initial: true, kinds: ['record'] });
    expect(await changes.next()).toEqual({ done: false, value: { kind: 'record', key: 'a', version } });
    const next = changes.next();
    await storage.append('a', [utf8('entry')]);
    const second = await put(storage, 'b');
    await clock.pass(100);
    expect(await next).toMatchObject({ value: { key: 'b', version: second } });
    await changes.return();
  });

  it('is woken by hints at once, but lists no more often than every 50 ms however many come', async () => {
    const clock = new ManualClock();
    const memory = new MemoryStorage();
    let lists = 0;
    const storage: StorageAdapter = { ...withPrefix(memory, 'p'), list: (query, options) => (lists++, withPrefix(memory, 'p').list(query, options)) };
    const changes = watch(storage, 'a/', { clock, interval: '1h', kinds: ['record'] });
    const next = changes.next();
    await settle();
    expect(lists).toBe(1);
    for (let ms = 0; ms < 1000; ms++) {
      await put(storage, 'b/busy');
      await clock.pass(1);
    }
    expect(lists).toBeLessThanOrEqual(21);
    await put(storage, 'a/b');
    await clock.pass(50);
    expect(await next).toMatchObject({ value: { key: 'a/b' } });
    await changes.return();
  });

  it('does not look while it is not asked, and then tells the last state only', async () => {
    const clock = new ManualClock();
    const { storage, lists } = polled(new MemoryStorage());
    const changes = watch(storage, '', { clock, interval: 100, kinds: ['record'], initial: true });
    await put(storage, 'a');
    await changes.next();
    const before = lists();
    let last = '';
    for (let i = 0; i < 1000; i++) last = await put(storage, 'a', String(i));
    await clock.pass(10_000);
    expect(lists()).toBe(before);
    const next = changes.next();
    await clock.pass(200);
    expect(await next).toMatchObject({ value: { version: last } });
    await changes.return();
  });

  it('keeps a process alive only when there is something to tell', async () => {
    const clock = new ManualClock();
    const storage = new MemoryStorage();
    const changes = watch(storage, '', { clock });
    const next = changes.next();
    await settle();
    expect(clock.timers.map(({ keepAlive }) => keepAlive)).toEqual([false]);
    await put(storage, 'a');
    await settle();
    expect(clock.timers.map(({ keepAlive }) => keepAlive)).toEqual([true]);
    await clock.pass(50);
    expect(await next).toMatchObject({ value: { key: 'a' } });
    await changes.return();
  });

  it('ends on return, also while next waits, on abort, and when the storage is closed', async () => {
    const clock = new ManualClock();
    const over = { done: true, value: undefined };
    for (const initial of [true, false]) {
      const changes = watch(new MemoryStorage(), '', { clock, initial });
      const waiting = changes.next();
      await settle();
      expect(await changes.return()).toEqual(over);
      expect([await waiting, await changes.next()]).toEqual([over, over]);
    }
    const controller = new AbortController();
    const aborted = watch(new MemoryStorage(), '', { clock, signal: controller.signal });
    const next = aborted.next();
    await settle();
    controller.abort();
    expect([await next, await aborted.next()]).toEqual([over, over]);
    expect(await watch(new MemoryStorage(), '', { signal: AbortSignal.abort() }).next()).toEqual(over);
    const storage = new MemoryStorage();
    const closing = watch(storage, '', { clock, interval: 100 });
    const last = closing.next();
    await settle();
    await storage.close();
    await clock.pass(200);
    expect(await last).toEqual(over);
    await watch(new MemoryStorage(), '').return();
    expect(clock.timers).toEqual([]);
  });

  it('ends with the error of a list that fails', async () => {
    const storage: StorageAdapter = { ...withPrefix(new MemoryStorage(), 'p'), list: () => Promise.reject(new Error('broken')) };
    const changes = watch(storage, '');
    await expect(changes.next()).rejects.toThrow('broken');
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });

  it('refuses what makes no sense', () => {
    const storage = new MemoryStorage();
    for (const options of [{ interval: -1 }, { interval: '5 parsecs' }, { initial: 'yes' }, { kinds: ['blob'] }, { every: 5 }]) {
      expect(() => watch(storage, '', options as never)).toThrow(expect.objectContaining({ code: 'validation' }));
    }
    expect(() => watch(storage, '../')).toThrow(expect.objectContaining({ code: 'validation' }));
  });

  it('leads whoever follows it to the state of the store, whatever is written and whenever it is asked', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('put' as const), key: fc.constantFrom('a', 'b', 'c/d') }),
      fc.record({ do: fc.constant('delete' as const), key: fc.constantFrom('a', 'b', 'c/d') }),
      fc.record({ do: fc.constant('append' as const), key: fc.constantFrom('a', 'l') }),
      fc.record({ do: fc.constant('deleteLog' as const), key: fc.constantFrom('a', 'l') }),
      fc.record({ do: fc.constant('pass' as const), key: fc.constant('') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, hints) => {
        const clock = new ManualClock();
        const memory = new MemoryStorage();
        const storage = hints ? withPrefix(memory, 'p') : polled(memory).storage;
        const followed = new Map<string, string>();
        const changes = watch(storage, '', { clock, interval: 1000, initial: true });
        const following = (async () => {
          for await (const { kind, key, version } of changes) {
            if (version === undefined) followed.delete(`${kind} ${key}`);
            else followed.set(`${kind} ${key}`, version);
          }
        })();
        for (const { do: what, key } of steps) {
          if (what === 'put') await put(storage, key);
          else if (what === 'delete') await storage.write([{ kind: 'delete', key }]);
          else if (what === 'append') await storage.append(key, [utf8('entry')]);
          else if (what === 'deleteLog') await storage.deleteLog(key);
          else await clock.pass(300);
        }
        await clock.pass(1100);
        const expected = new Map<string, string>();
        for (const kind of ['record', 'log'] as const) for (const { key, version } of (await storage.list({ kind })).entries) expected.set(`${kind} ${key}`, version);
        expect(new Map([...followed].sort())).toEqual(new Map([...expected].sort()));
        await changes.return();
        await following;
      }),
      { numRuns: 60 },
    );
  });
});
