import fc from 'fast-check';
import { MemoryStorage } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/core/audit.ts';
import { encode } from '../../src/core/codec.ts';
import { readHistory, type HeadLocation } from '../../src/storage/head-record.ts';
import { HistoryPages } from '../../src/storage/history-pages.ts';
import { countingLogReads } from './counted-log-reads.ts';

const key = 'monitors/m';
const wants = ({ type }: AuditEvent): boolean => type !== 'noise';

function eventOf(sequence: number, id = `e${sequence}`): AuditEvent {
  return { id, type: sequence % 3 === 0 ? 'noise' : 'alert', sequence, at: sequence, subject: { kind: 'monitor', id: 'm' }, data: { sequence } } as unknown as AuditEvent;
}

async function pagesOf(pages: HistoryPages, limit: number): Promise<AuditEvent[][]> {
  const found: AuditEvent[][] = [];
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page = await pages.page(after, { limit, wants });
    found.push([...page.events]);
    after = page.next;
  }
  return found;
}

/** Some events in the log, each written once or more by some of three writers in any order, and some that are only in the record. */
const histories = fc.record({
  logged: fc.array(fc.record({ sequence: fc.integer({ min: 1, max: 40 }), writer: fc.constantFrom('a', 'b', 'c') }), { maxLength: 120 }),
  inOrder: fc.integer({ min: 0, max: 60 }),
  waiting: fc.integer({ min: 0, max: 3 }),
});

describe('HistoryPages', () => {
  it('gives what the whole history has, whoever wrote it, in whichever order, how often, and how much of it the log has', async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.integer({ min: 1, max: 9 }), async ({ logged, inOrder, waiting }, limit) => {
        const storage = new MemoryStorage();
        const at: HeadLocation = { storage, key };
        for (let sequence = 1; sequence <= inOrder; sequence++) await storage.append(key, [encode(eventOf(sequence))], { writer: 'b' });
        for (const { sequence, writer } of logged) await storage.append(key, [encode(eventOf(sequence))], { writer });
        const last = Math.max(inOrder, ...logged.map(({ sequence }) => sequence));
        const outbox = Array.from({ length: waiting }, (_, i) => eventOf(last + i));
        await storage.write([{ kind: 'put', key, bytes: encode({ state: {}, sequence: last + waiting, outbox }) }]);
        const expected = (await readHistory(at)).filter(wants);
        const pages = new HistoryPages(at);
        // The second time from places that are remembered.
        for (let time = 0; time < 2; time++) {
          const found = await pagesOf(pages, limit);
          expect(found.flat()).toEqual(expected);
          expect(found.slice(0, -1).every(({ length }) => length === limit)).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('has both events of one sequence, which only copies that went apart hold, on one page', async () => {
    const storage = new MemoryStorage();
    for (const [sequence, id, writer] of [[1, 'e1', 'a'], [2, 'here', 'a'], [2, 'there', 'a'], [4, 'e4', 'a']] as const) await storage.append(key, [encode(eventOf(sequence, id))], { writer });
    const found = await pagesOf(new HistoryPages({ storage, key }), 2);
    expect(found.map((page) => page.map(({ id }) => id))).toEqual([['e1', 'here', 'there'], ['e4']]);
  });

  it('reads each entry about once, however many pages there are', async () => {
    const each = countingLogReads(new MemoryStorage());
    const at: HeadLocation = { storage: each.storage, key };
    await each.storage.append(key, Array.from({ length: 900 }, (_, i) => encode(eventOf(i + 1))), { writer: 'a' });
    expect((await pagesOf(new HistoryPages(at), 20)).map(({ length }) => length)).toEqual(new Array<number>(30).fill(20));
    expect(each.read).toBeLessThanOrEqual(900 + 2 * 30);
    each.read = 0;
    expect((await new HistoryPages(at).page(0, { limit: 20, wants })).events).toHaveLength(20);
    expect(each.read).toBeLessThanOrEqual(32);
  });
});
