import fc from 'fast-check';
import { MemoryStorage, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/core/audit.ts';
import { encode } from '../../src/core/codec.ts';
import { glanceAt } from '../../src/storage/event-glance.ts';
import { readHistory } from '../../src/storage/head-record.ts';
import { NewestEvents } from '../../src/storage/newest-events.ts';
import { countingLogReads } from './counted-log-reads.ts';
import { temporaryDirectories } from './filesystem/temporary-directory.ts';

const directory = temporaryDirectories();
const key = 'monitors/m';
const types = ['verdict', 'alert', 'silence-ended'];

function eventOf(sequence: number, extra: Partial<AuditEvent> = {}): AuditEvent {
  return { id: `e${sequence}`, type: types[sequence % 3]!, sequence, at: sequence, subject: { kind: 'monitor', id: 'm' }, data: { sequence, text: '"sequence":7,"type":"x"' }, ...extra };
}

async function head(storage: StorageAdapter, sequence: number, outbox: readonly AuditEvent[] = []): Promise<void> {
  await storage.write([{ kind: 'put', key, bytes: encode({ state: {}, sequence, outbox }) }]);
}

async function pagesOf(history: NewestEvents, limit: number, wants?: (type: string) => boolean): Promise<AuditEvent[]> {
  const found: AuditEvent[] = [];
  for (let before: number | undefined = Infinity; before !== undefined; ) {
    const page = await history.page({ limit, before, wants });
    found.push(...page.events);
    before = page.older;
  }
  return found;
}

describe('a glance at an event', () => {
  it('tells what decoding it tells, whatever its texts are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 3 }), (sequence, id, reason, data) => {
        for (const hostile of ['', '"sequence":1,"subject":{},"type":"x"}', '\\"sequence\\":2,"subject":{"']) {
          const event = { ...eventOf(sequence), reason: reason + hostile, by: hostile, data, subject: { kind: 'model' as const, id: id + hostile, version: 3 } };
          const { sequence: number, type } = glanceAt(encode(event), key);
          expect([number, type]).toEqual([sequence, event.type]);
        }
      }),
      { numRuns: 100 },
    );
    const long = eventOf(12, { subject: { kind: 'monitor', id: 'long "sequence":1 '.repeat(500) } });
    expect(glanceAt(encode(long), key)).toMatchObject({ sequence: 12, type: types[0] });
    expect(() => glanceAt(new TextEncoder().encode('{"sequence":1'), key)).toThrow(/monitors\/m cannot be read/);
  });
});

describe('the newest events', () => {
  const histories = fc.record({
    inOrder: fc.integer({ min: 0, max: 200 }),
    logged: fc.array(fc.record({ sequence: fc.integer({ min: 1, max: 200 }), writer: fc.constantFrom('a', 'b', 'c') }), { maxLength: 100 }),
    waiting: fc.integer({ min: 0, max: 3 }),
    limit: fc.integer({ min: 1, max: 30 }),
  });

  it('are those of the whole history, backwards, whoever wrote them, in whichever order and how often', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async ({ inOrder, logged, waiting, limit }) => {
        const storage = new MemoryStorage();
        for (let sequence = 1; sequence <= inOrder; sequence++) await storage.append(key, [encode(eventOf(sequence))], { writer: 'b' });
        const last = Math.max(inOrder, ...logged.map(({ sequence }) => sequence));
        const history = new NewestEvents({ storage, key });
        const agrees = async (): Promise<void> => {
          const expected = (await readHistory({ storage, key })).toReversed();
          for (const wants of [undefined, (type: string) => type === 'alert']) {
            const wanted = expected.filter(({ type }) => wants?.(type) ?? true);
            expect(await pagesOf(history, limit, wants)).toEqual(wanted);
            expect((await history.page({ limit, wants })).total).toBe(wanted.length);
          }
          const alerts = expected.filter(({ type }) => type === 'alert').toReversed();
          expect([await history.nth('alert', 0), await history.nth('alert', alerts.length)]).toEqual([alerts[0]?.sequence, undefined]);
        };
        await head(storage, last);
        await agrees();
        // What comes later, in any order, is seen by the one that has looked before.
        for (const { sequence, writer } of logged) await storage.append(key, [encode(eventOf(sequence))], { writer });
        await head(storage, last + waiting, Array.from({ length: waiting }, (_, i) => eventOf(last + 1 + i)));
        await agrees();
      }),
      { numRuns: 30 },
    );
  });

  it('of a history of ten thousand are read from a directory by looking through it once, and by the stretch that is shown from then on', async () => {
    await using directoryStorage = new FilesystemStorage(directory(), { durability: 'buffered' });
    const each = countingLogReads(directoryStorage);
    const count = 10_000;
    for (let from = 1; from <= count; from += 1_000) await each.storage.append(key, Array.from({ length: 1_000 }, (_, i) => encode(eventOf(from + i))), { writer: 'a' });
    await head(each.storage, count);
    const history = new NewestEvents({ storage: each.storage, key });
    const first = await history.page({ limit: 100 });
    expect([first.events.length, first.events[0]!.sequence, first.older, first.total]).toEqual([100, count, count - 99, count]);
    expect(each.read).toBeLessThan(count + 200);

    each.read = 0;
    expect((await history.page({ limit: 100 })).events).toEqual(first.events);
    expect((await history.page({ limit: 100, before: first.older })).events[0]!.sequence).toBe(count - 100);
    expect((await history.page({ limit: 100, before: 5_000 })).events.at(-1)!.sequence).toBe(4_900);
    expect(each.read).toBeLessThan(3 * 200);

    await each.storage.append(key, [encode(eventOf(count + 1))], { writer: 'a' });
    await head(each.storage, count + 1);
    each.read = 0;
    expect((await history.page({ limit: 1 })).events[0]!.sequence).toBe(count + 1);
    expect(each.read).toBeLessThan(70);
  });

  it('are those of another history where the store was put back, and none where there is none', async () => {
    const storage = new MemoryStorage();
    const history = new NewestEvents({ storage, key });
    expect(await history.page({ limit: 5 })).toEqual({ events: [], total: 0 });
    await storage.append(key, Array.from({ length: 9 }, (_, i) => encode(eventOf(i + 1))), { writer: 'a' });
    await head(storage, 9);
    expect((await history.page({ limit: 5 })).total).toBe(9);
    await storage.deleteLog(key);
    await storage.append(key, [encode(eventOf(1, { id: 'other' }))], { writer: 'z' });
    await head(storage, 1);
    const { events, total } = await history.page({ limit: 5 });
    expect([events.map(({ id }) => id), total]).toEqual([['other'], 1]);
  });

  it('are those of another history also where that is as long as the first, or longer, whoever wrote it', async () => {
    for (const [writer, count] of [['z', 9], ['a', 9], ['z', 70], ['a', 70]] as const) {
      const storage = new MemoryStorage();
      const history = new NewestEvents({ storage, key });
      await storage.append(key, Array.from({ length: 9 }, (_, i) => encode(eventOf(i + 1))), { writer: 'a' });
      await head(storage, 9);
      expect((await history.page({ limit: 5 })).total).toBe(9);
      await storage.deleteLog(key);
      await storage.append(key, Array.from({ length: count }, (_, i) => encode(eventOf(i + 1, { id: `other${i + 1}`, type: i < 6 ? 'alert' : 'verdict' }))), { writer });
      await head(storage, count);
      const { events, total } = await history.page({ limit: 100, wants: (type) => type === 'alert' });
      expect([events.map(({ id }) => id), total], `${writer} ${count}`).toEqual([['other6', 'other5', 'other4', 'other3', 'other2', 'other1'], 6]);
    }
  });

  it('are read whole by who comes after one that gave up', async () => {
    const storage = new MemoryStorage();
    await storage.append(key, Array.from({ length: 200 }, (_, i) => encode(eventOf(i + 1))), { writer: 'a' });
    await head(storage, 200);
    const history = new NewestEvents({ storage, key });
    const [gaveUp, stayed] = await Promise.allSettled([history.page({ limit: 5, signal: AbortSignal.abort() }), history.page({ limit: 5 })]);
    expect(gaveUp).toMatchObject({ status: 'rejected', reason: { code: 'aborted' } });
    expect(stayed).toMatchObject({ status: 'fulfilled', value: { total: 200 } });
  });
});
