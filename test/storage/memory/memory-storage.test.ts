import { MemoryStorage, withPrefix } from 'modelkeep';
import { storageConformance } from 'modelkeep/conformance';
import { describe, expect, it } from 'vitest';

const supports = { durability: 'memory', sharedBetweenProcesses: false } as const;

storageConformance({ describe, it, supports, name: 'MemoryStorage', createStore: () => ({ open: () => new MemoryStorage() }) });

storageConformance({ describe, it, supports, name: 'withPrefix(MemoryStorage)', createStore: () => ({ open: () => withPrefix(new MemoryStorage(), 'team-a/b') }) });

describe('a record that was read', () => {
  it('has the bytes of that moment, whenever they are looked at, and they are the reader’s alone', async () => {
    const storage = new MemoryStorage();
    const bytes = Uint8Array.of(1, 2);
    await storage.write([{ kind: 'put', key: 'a', bytes }]);
    bytes[0] = 9;
    const [early] = await storage.read(['a']);
    await storage.write([{ kind: 'put', key: 'a', bytes: Uint8Array.of(3, 4) }]);
    expect([...early!.bytes]).toEqual([1, 2]);
    early!.bytes[0] = 7;
    expect([...early!.bytes]).toEqual([7, 2]);
    const [first, second] = await storage.read(['a', 'a']);
    first!.bytes[0] = 7;
    expect([...second!.bytes]).toEqual([3, 4]);
    expect([...(await storage.read(['a']))[0]!.bytes]).toEqual([3, 4]);
  });
});
