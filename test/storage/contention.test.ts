import { describe, expect, it } from 'vitest';
import { MemoryStorage } from 'modelkeep';
import type { StorageAdapter } from '../../src/storage/contract.ts';
import { changeHead, readHead, readHistory } from '../../src/storage/head-record.ts';
import { update } from '../../src/storage/update.ts';

const key = 'counters/a';
const count = async (storage: StorageAdapter): Promise<unknown> =>
  changeHead<number>({ storage, key }, (state = 0) => ({ state: state + 1, events: [{ type: 'counted', subject: { kind: 'model', id: 'a' }, data: { to: state + 1 } }] }));

async function outboxSize(storage: StorageAdapter): Promise<number> {
  const [record] = await storage.read([key]);
  return (JSON.parse(new TextDecoder().decode(record!.bytes)) as { outbox: unknown[] }).outbox.length;
}

/** A store on which every call takes a turn of the event loop, so that concurrent callers really get between each other. */
function unhurried(storage: MemoryStorage, afterWrite: (bytes: number) => void): StorageAdapter {
  return new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function' || name === 'readLog') return typeof value === 'function' ? value.bind(target) : value;
      return async (...args: unknown[]) => {
        await new Promise((resolve) => setImmediate(resolve));
        if (name === 'write') afterWrite((args[0] as { bytes: Uint8Array }[])[0]!.bytes.length);
        return (value as (...all: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}

describe('head records that many change at once', () => {
  it('tell every change once and in order, and do not grow', async () => {
    let largest = 0;
    const storage = unhurried(new MemoryStorage(), (bytes) => (largest = Math.max(largest, bytes)));
    const writers = 8;
    await Promise.all(
      Array.from({ length: writers }, async () => {
        for (let i = 0; i < 20; i++) await count(storage);
      }),
    );
    const history = await readHistory({ storage, key });
    const numbers = Array.from({ length: 160 }, (_, i) => i + 1);
    expect(history.map((event) => event.sequence)).toEqual(numbers);
    expect(history.map((event) => event.data)).toEqual(numbers.map((to) => ({ to })));
    expect(await readHead({ storage, key })).toBe(160);
    expect(await outboxSize(storage)).toBe(0);
    // About 150 bytes an event: as many as there are writers, with room to spare.
    expect(largest).toBeLessThan(writers * 2 * 150);
  });
});

describe('update', () => {
  it('makes its change once on a store that repeats a write whose answer was lost', async () => {
    const storage = new MemoryStorage();
    const repeating = new Proxy(storage, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name !== 'write') return typeof value === 'function' ? value.bind(target) : value;
        return async (...args: Parameters<StorageAdapter['write']>) => {
          await target.write(...args);
          return target.write(...args);
        };
      },
    });
    for (let i = 1; i <= 3; i++) expect((await update<number>(repeating, key, (value = 0) => value + 1)).value).toBe(i);
    expect((await update<number>(storage, key, (value = 0) => value)).value).toBe(3);
  });
});
