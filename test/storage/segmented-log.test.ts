import { MemoryStorage, StorageError, withSegmentedLog } from 'modelkeep';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../src/core/bytes.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { LogEntry, RecordAdapter, StorageAdapter, StoreFinding } from '../../src/storage/contract.ts';
import { parsePosition, placeText, positionText } from '../../src/storage/segment-position.ts';
import { decodeSegment, encodeBody, encodeSegment } from '../../src/storage/segment-record.ts';
import { sharedMemory } from './shared-memory.ts';
import { withoutLogs } from './without-logs.ts';

async function entriesOf(storage: StorageAdapter, log: string, after?: string): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const entry of storage.readLog(log, { after })) entries.push(entry);
  return entries;
}

async function textsOf(storage: StorageAdapter, log: string): Promise<string[]> {
  return (await entriesOf(storage, log)).map(({ bytes }) => fromUtf8(bytes));
}

async function findings(storage: StorageAdapter, options?: Parameters<NonNullable<StorageAdapter['inspect']>>[0]): Promise<StoreFinding[]> {
  const found: StoreFinding[] = [];
  for await (const finding of storage.inspect!(options)) found.push(finding);
  return found;
}

const keysOf = async (storage: MemoryStorage): Promise<string[]> => (await storage.list({ limit: 10_000 })).entries.map(({ key }) => key);

/** Records that take no more than the smallest that an adapter must take. */
function smallRecords(): { memory: MemoryStorage; records: RecordAdapter } {
  const memory = new MemoryStorage();
  const records = withoutLogs(memory);
  return { memory, records: { ...records, supports: { ...records.supports, maxRecordBytes: 65_536 } } };
}

describe('withSegmentedLog', () => {
  it('makes one record of appends that wait together, and keeps their names', async () => {
    const memory = new MemoryStorage();
    const storage = withSegmentedLog(withoutLogs(memory));
    const positions = await Promise.all(Array.from({ length: 500 }, (_, i) => storage.append('log', [utf8(`${i}`)], { operationId: `op ${i}` })));
    expect((await keysOf(memory)).filter((key) => key.startsWith('segments/')).length).toBeLessThan(5);
    expect(await storage.append('log', [utf8('7')], { operationId: 'op 7' })).toBe(positions[7]);
    expect(await textsOf(storage, 'log')).toEqual(Array.from({ length: 500 }, (_, i) => `${i}`));
    expect((await entriesOf(storage, 'log', positions[498])).map(({ sequence }) => sequence)).toEqual([500]);
  });

  it('appends more than a record holds all or nothing', async () => {
    const { memory, records } = smallRecords();
    let failAt = Infinity;
    const failing: RecordAdapter = {
      ...records,
      write: async (operations, options) => {
        if (--failAt <= 0) throw new StorageError('storage', 'The disk is gone.');
        return records.write(operations, options);
      },
    };
    const storage = withSegmentedLog(failing);
    await storage.append('log', [utf8('before')], { writer: 'w' });
    const large = Array.from({ length: 10 }, (_, i) => new Uint8Array(30_000).fill(i));
    for (failAt = 1; failAt <= 6; failAt++) {
      const at = failAt;
      await expect(storage.append('log', large, { writer: 'w' })).rejects.toMatchObject({ code: 'storage' });
      failAt = Infinity;
      expect((await entriesOf(storage, 'log')).length, `after a failure of write ${at}`).toBe(1);
      failAt = at;
    }
    failAt = Infinity;
    const position = await storage.append('log', large, { writer: 'w', operationId: 'large' });
    await storage.append('log', [utf8('behind')], { writer: 'w' });
    const entries = await entriesOf(storage, 'log');
    expect(entries.map(({ bytes }) => bytes.length)).toEqual([6, ...large.map((bytes) => bytes.length), 6]);
    expect(entries.slice(1, 11).map(({ bytes }) => bytes[29_999])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect((await storage.list({ kind: 'log' })).entries).toMatchObject([{ key: 'log', size: 300_012 }]);
    expect((await entriesOf(storage, 'log', entries[5]!.position)).length).toBe(6);

    const again = withSegmentedLog(records);
    expect(await again.append('log', large, { writer: 'w', operationId: 'large' })).toBe(position);
    // Pieces of appends that were cut off are found once they are old, and only they are taken away.
    expect(await findings(again)).toEqual([]);
    const leftovers = await findings(again, { graceMs: 0, repair: true });
    expect(leftovers.map(({ kind, repaired }) => [kind, repaired])).toEqual(Array.from({ length: 5 }, () => ['leftover', true]));
    expect(await findings(again, { graceMs: 0 })).toEqual([]);
    expect((await entriesOf(again, 'log')).length).toBe(12);
    await again.deleteLog('log');
    expect(await keysOf(memory)).toEqual([]);
  });

  it('is exact when answers get lost, calls fail, instances share a writer and retries go elsewhere', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = seededRandom(seed);
        const { open } = sharedMemory();
        const unreliable = (): StorageAdapter => {
          const records = withoutLogs(open());
          return withSegmentedLog({
            ...records,
            write: async (operations, options) => {
              const fate = random();
              if (fate < 0.1) throw new StorageError('unavailable', 'The request was lost.');
              const results = await records.write(operations, options);
              if (fate < 0.2) throw new StorageError('unavailable', 'The answer was lost.');
              return results;
            },
            read: async (keys, options) => {
              if (random() < 0.05) throw new StorageError('unavailable', 'The read was lost.');
              return records.read(keys, options);
            },
          });
        };
        const instances = [unreliable(), unreliable(), unreliable()];
        const appendSurely = async (name: string): Promise<string> => {
          for (let attempt = 0; ; attempt++) {
            const instance = instances[Math.floor(random() * 3)]!;
            const appending = instance.append('log', [utf8(`${name} a`), utf8(`${name} b`)], { writer: 'w', operationId: name });
            const position = await appending.catch(() => undefined);
            if (position !== undefined) return position;
            if (attempt > 200) throw new Error('Appending does not come to an end');
          }
        };
        const names = Array.from({ length: 30 }, (_, i) => `op ${i}`);
        const positions = await Promise.all(names.map(appendSurely));
        const reliable = withSegmentedLog(withoutLogs(open()));
        const entries = await entriesOf(reliable, 'log');
        expect(entries.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
        const texts = entries.map(({ bytes }) => fromUtf8(bytes));
        expect([...texts].sort()).toEqual(names.flatMap((name) => [`${name} a`, `${name} b`]).sort());
        for (const [i, name] of names.entries()) {
          const at = texts.indexOf(`${name} a`);
          expect(texts[at + 1]).toBe(`${name} b`);
          expect((await entriesOf(reliable, 'log', positions[i])).length).toBe(60 - at - 2);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('loses no append to a log that others delete and begin anew all the time, but to a delete', async () => {
    const { open } = sharedMemory();
    const [a, b, deleter] = [open(), open(), open()].map((storage) => withSegmentedLog(withoutLogs(storage))) as [StorageAdapter, StorageAdapter, StorageAdapter];
    for (let round = 0; round < 50; round++) {
      const appends = [a, b].map(async (storage, who) => {
        for (let i = 0; i < 5; i++) await storage.append('log', [utf8(`${round} ${who} ${i}`)], { writer: 'w', operationId: `${round} ${who} ${i}` });
      });
      await Promise.all([...appends, deleter.deleteLog('log')]);
      for (const who of [0, 1]) {
        const own = (await textsOf(a, 'log')).filter((text) => text.startsWith(`${round} ${who} `));
        expect(own, 'a writer loses a beginning to the delete, and nothing behind it').toEqual([0, 1, 2, 3, 4].slice(5 - own.length).map((i) => `${round} ${who} ${i}`));
      }
      await a.append('log', [utf8('after')], { writer: 'w' });
      const entries = await entriesOf(b, 'log');
      expect(entries.map(({ sequence }) => sequence)).toEqual(entries.map((_, i) => i + 1));
    }
    await deleter.deleteLog('log');
    await findings(deleter, { graceMs: 0, repair: true });
    expect((await open().list()).entries).toEqual([]);
  });

  it('reports a segment that is gone or changed, and names it', async () => {
    const memory = new MemoryStorage();
    const storage = withSegmentedLog(withoutLogs(memory));
    for (const text of ['one', 'two', 'three']) await storage.append('log', [utf8(text)], { writer: 'w' });
    const [, second] = (await keysOf(memory)).filter((key) => key.startsWith('segments/'));
    const [record] = await memory.read([second!]);
    for (const bytes of [utf8('rubbish'), record!.bytes.subarray(0, -1), new Uint8Array(0), Uint8Array.of(...record!.bytes, 0)]) {
      await memory.write([{ kind: 'put', key: second!, bytes }]);
      await expect(entriesOf(storage, 'log')).rejects.toMatchObject({ code: 'integrity', details: { key: second } });
    }
    await memory.write([{ kind: 'delete', key: second! }]);
    await expect(entriesOf(storage, 'log')).rejects.toMatchObject({ code: 'integrity', details: { key: second } });
  });

  it('reads positions of a log from before it was deleted as its beginning', async () => {
    const storage = withSegmentedLog(withoutLogs(new MemoryStorage()));
    const old = await storage.append('log', [utf8('old'), utf8('old')], { writer: 'w' });
    await storage.deleteLog('log');
    await storage.append('log', [utf8('new')], { writer: 'w' });
    expect((await entriesOf(storage, 'log', old)).map(({ bytes }) => fromUtf8(bytes))).toEqual(['new']);
  });

  it('goes on at the end of a writer whose appender was forgotten', async () => {
    const storage = withSegmentedLog(withoutLogs(new MemoryStorage()));
    for (let i = 0; i < 3; i++) await storage.append('log', [utf8(`${i}`)], { operationId: `op ${i}` });
    await Promise.all(Array.from({ length: 300 }, (_, i) => storage.append(`other/${i}`, [utf8('x')])));
    await storage.append('log', [utf8('3')]);
    await storage.append('log', [utf8('0')], { operationId: 'op 0' });
    expect((await entriesOf(storage, 'log')).map(({ sequence, bytes }) => [sequence, fromUtf8(bytes)])).toEqual([[1, '0'], [2, '1'], [3, '2'], [4, '3']]);
  });

  it('takes keys up to its limits, and says which are too long', async () => {
    const memory = new MemoryStorage();
    const storage = withSegmentedLog(withoutLogs(memory));
    const keyOf = (length: number): string => `${'a'.repeat(99)}/`.repeat(10).slice(0, length - 1) + 'z';
    await storage.write([{ kind: 'put', key: keyOf(992), bytes: utf8('x') }]);
    await storage.append(keyOf(995), [utf8('x')], { writer: 'w'.repeat(120) });
    expect([(await storage.list()).entries[0]?.key, (await storage.list({ kind: 'log' })).entries[0]?.key]).toEqual([keyOf(992), keyOf(995)]);
    expect(await textsOf(storage, keyOf(995))).toEqual(['x']);
    await expect(storage.write([{ kind: 'put', key: keyOf(993), bytes: utf8('x') }])).rejects.toMatchObject({ code: 'validation' });
    await expect(storage.append(keyOf(996), [utf8('x')])).rejects.toMatchObject({ code: 'validation' });
  });

  it('checks what goes in, whatever the adapter beneath does', async () => {
    const trusting = { supports: { durability: 'memory', sharedBetweenProcesses: false, maxRecordBytes: 65_536 } } as unknown as RecordAdapter;
    const storage = withSegmentedLog({ ...trusting, close: async () => undefined });
    await expect(storage.read(['../a'])).rejects.toMatchObject({ code: 'validation' });
    await expect(storage.write([{ kind: 'put', key: 'a', bytes: new Uint8Array(65_537) }])).rejects.toMatchObject({ code: 'validation' });
    await expect(storage.list({ limit: 0 })).rejects.toMatchObject({ code: 'validation' });
    await expect(storage.readBlob('sha256:../a')).rejects.toMatchObject({ code: 'validation' });
    await expect(storage.read(['a'], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    await storage.close();
    await expect(storage.read(['a'])).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('segments', () => {
  it('come back as they were, or are reported', () => {
    const entries = fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(entries, fc.nat(), fc.string(), (entries, before, operationId) => {
        const size = entries.reduce((sum, { length }) => sum + length, 0);
        const header = { format: 1, before, size, appends: [[operationId, entries.length]] } as const;
        const bytes = encodeSegment(header, encodeBody(entries));
        const segment = decodeSegment(bytes, 'key');
        expect(segment).toMatchObject({ header, count: entries.length });
        for (let end = 0; end < bytes.length; end += 7) expect(() => decodeSegment(bytes.subarray(0, end), 'key')).toThrow(expect.objectContaining({ code: 'integrity' }));
      }),
      { numRuns: 100 },
    );
  });

  it('have positions that come back as they were, and nothing else is one', () => {
    const id = '01234567-89ab-7def-8123-456789abcdef';
    const text = positionText(id, [placeText('a', 1, 0), placeText('w-2.x', 999, 3)]);
    expect(parsePosition(text)).toEqual({ id, places: new Map([['a', { first: 1, skip: 0 }], ['w-2.x', { first: 999, skip: 3 }]]) });
    expect([parsePosition(undefined), parsePosition('')]).toEqual([{ id: undefined, places: new Map() }, { id: undefined, places: new Map() }]);
    for (const other of ['a:1', id, `${id}/`, `${id}/a`, `${id}/a:`, `${id}/a:1,`, `${id}/A:1`, `${id}/a:1:2:3`, 'x', 5, {}]) {
      expect(() => parsePosition(other as string)).toThrow(expect.objectContaining({ code: 'validation' }));
    }
  });
});
