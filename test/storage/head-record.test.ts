import { MemoryStorage } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import type { NewAuditEvent } from '../../src/core/audit.ts';
import { digestOf } from '../../src/core/digest.ts';
import { StorageError } from '../../src/core/errors.ts';
import type { StorageAdapter, WriteOperation } from '../../src/storage/contract.ts';
import { changeHead, readHead, readHistory, type HeadLocation } from '../../src/storage/head-record.ts';

const event = (type: string): NewAuditEvent => ({ type, subject: { kind: 'model', id: 'm' }, data: { n: NaN } });
const add = (n: number) => (state: number | undefined) => ({ state: (state ?? 0) + n, events: [event(`add ${n}`)] });

/** A storage whose calls fail by a plan: before they had their effect, or after it, as when an answer is lost. */
function failing(storage: StorageAdapter, plan: (call: 'read' | 'write' | 'append', count: number) => 'before' | 'after' | undefined): StorageAdapter {
  let count = 0;
  const guard =
    <A extends unknown[], R>(name: 'read' | 'write' | 'append', call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const when = plan(name, ++count);
      if (when === 'before') throw new StorageError('storage', `${name} failed`);
      const result = await call(...args);
      if (when === 'after') throw new StorageError('storage', `the answer to ${name} was lost`);
      return result;
    };
  const bound = Object.create(storage) as StorageAdapter;
  return Object.assign(bound, {
    read: guard('read', storage.read.bind(storage)),
    write: guard('write', storage.write.bind(storage)),
    append: guard('append', storage.append.bind(storage)),
    readLog: storage.readLog.bind(storage),
  });
}

const typesOf = async (at: HeadLocation): Promise<[number, string][]> => (await readHistory(at)).map(({ sequence, type }) => [sequence, type]);

describe('changeHead', () => {
  it('keeps state and evidence together, whatever fails between the change and the log', async () => {
    // The calls of one change are: read, write the change, append the events, write the trimmed head.
    for (const failAt of [1, 2, 3, 4]) {
      for (const when of ['before', 'after'] as const) {
        const storage = new MemoryStorage();
        const at: HeadLocation = { storage, key: 'model/m' };
        await changeHead(at, add(1));
        const broken: HeadLocation = { ...at, storage: failing(storage, (_call, count) => (count === failAt ? when : undefined)) };
        const outcome = await changeHead(broken, add(10)).then(({ state }) => state, () => 'failed');
        const stored = await readHead<number>(at);
        const changed = failAt > 2 || (failAt === 2 && when === 'after');
        expect([failAt, when, outcome, stored]).toEqual([failAt, when, failAt > 2 ? 11 : 'failed', changed ? 11 : 1]);
        expect(await typesOf(at)).toEqual(changed ? [[1, 'add 1'], [2, 'add 10']] : [[1, 'add 1']]);
        await changeHead(at, add(100));
        expect(await typesOf(at)).toEqual(changed ? [[1, 'add 1'], [2, 'add 10'], [3, 'add 100']] : [[1, 'add 1'], [2, 'add 100']]);
        expect(await readHead<number>(at)).toBe(changed ? 111 : 101);
      }
    }
  });

  it('moves events to the log, also those that an earlier process left behind', async () => {
    const storage = new MemoryStorage();
    const at: HeadLocation = { storage, key: 'model/m' };
    const noLog: HeadLocation = { ...at, storage: failing(storage, (call) => (call === 'append' ? 'before' : undefined)) };
    for (const n of [1, 2, 3]) await changeHead(noLog, add(n));
    const inLog = async (): Promise<number> => {
      let entries = 0;
      for await (const entry of storage.readLog('model/m')) entries += entry.bytes.length > 0 ? 1 : 0;
      return entries;
    };
    expect([await inLog(), (await typesOf(at)).length]).toEqual([0, 3]);
    await changeHead(at, add(4));
    expect([await inLog(), (await typesOf(at)).length]).toEqual([4, 4]);
    expect(((await storage.read(['model/m']))[0]?.bytes.length ?? 0) < 200).toBe(true);
  });

  it('counts an event once that two processes moved to the log', async () => {
    const storage = new MemoryStorage();
    const at: HeadLocation = { storage, key: 'model/m' };
    const notTrimmed: HeadLocation = { ...at, storage: failing(storage, (_call, count) => (count === 4 ? 'before' : undefined)) };
    await changeHead(notTrimmed, add(1));
    await changeHead(at, add(2));
    let entries = 0;
    for await (const entry of storage.readLog('model/m')) entries += entry.bytes.length > 0 ? 1 : 0;
    expect([entries, await typesOf(at)]).toEqual([3, [[1, 'add 1'], [2, 'add 2']]]);
  });

  it('loses and doubles nothing under random failures', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const storage = new MemoryStorage();
      const at: HeadLocation = { storage, key: 'model/m' };
      let chance = seed;
      const next = (): number => (chance = (chance * 48_271) % 2_147_483_647);
      const broken: HeadLocation = { ...at, storage: failing(storage, () => (next() % 4 === 0 ? (next() % 2 === 0 ? 'before' : 'after') : undefined)) };
      for (let i = 0; i < 30; i++) await changeHead(broken, add(1)).catch(() => undefined);
      const history = await readHistory(at);
      expect(history.length, `seed ${seed}`).toBe(await readHead<number>(at));
      expect(history.map(({ sequence }) => sequence)).toEqual(history.map((_, i) => i + 1));
    }
  });

  it('keeps the blobs that a state names, also when the outbox is trimmed', async () => {
    const storage = new MemoryStorage();
    const digest = digestOf('weights');
    const at: HeadLocation = { storage, key: 'model/m', blobs: (state: { file: typeof digest }) => [state.file] };
    await changeHead<{ file: string }>(at, () => ({ state: { file: digest }, events: [event('added')] }));
    expect((await storage.read(['model/m']))[0]?.blobs).toEqual([digest]);
  });

  it('writes the records that a state names in front of it, those of the attempt that came through with its own', async () => {
    const storage = new MemoryStorage();
    const at = { storage, key: 'head' };
    let attempts = 0;
    const keep = (state: number | undefined): ReturnType<ReturnType<typeof add>> & { first: WriteOperation[] } => {
      attempts++;
      return { ...add(1)(state), first: [{ kind: 'put', key: `part/${attempts}`, bytes: Uint8Array.of(state ?? 0) }] };
    };
    const written: string[][] = [];
    const contested = Object.assign(failing(storage, () => undefined), {
      async write(operations: readonly WriteOperation[]) {
        if (written.length === 0) await changeHead(at, add(10));
        written.push(operations.map(({ key }) => key));
        return storage.write(operations);
      },
    });
    await changeHead({ ...at, storage: contested }, keep);
    expect(await readHead(at)).toBe(11);
    // The last is that of the trimmed head, which names nothing new.
    expect(written).toEqual([['part/1', 'head'], ['part/2', 'head'], ['head']]);
    expect((await storage.read(['part/1', 'part/2'])).map((record) => record?.bytes[0])).toEqual([0, 10]);
  });

  it('takes the time from its clock', async () => {
    const clock = { now: () => 42, monotonic: () => 0, setTimer: () => () => undefined };
    const at: HeadLocation = { storage: new MemoryStorage(), key: 'model/m', clock };
    const { events } = await changeHead(at, add(1));
    expect(events).toMatchObject([{ at: 42, sequence: 1, type: 'add 1', data: { n: NaN } }]);
    expect(await readHistory(at)).toEqual(events);
  });

  it('has no state and no history before the first change', async () => {
    const at: HeadLocation = { storage: new MemoryStorage(), key: 'model/m' };
    expect([await readHead(at), await readHistory(at), await changeHead(at, () => undefined)]).toEqual([undefined, [], { state: undefined, events: [] }]);
  });
});
