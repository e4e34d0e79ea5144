import { escapeSegment, MemoryStorage } from 'modelkeep';
import { expect, it } from 'vitest';
import { segmentsBelow } from '../../src/maturity/facts/segments.ts';

it('names what lies below a prefix once, however much there is of it, by one look for each', async () => {
  const storage = new MemoryStorage();
  const names = ['a', 'a-b', 'a.b', 'a0', 'b', 'São Paulo', 'z'.repeat(119), 'long'.repeat(60)];
  const keys = names.flatMap((name) => {
    const own = `rooms/${escapeSegment(name)}`;
    // Some have a record of their very name, some only records below it.
    return [...(name.length % 2 === 0 || name === 'a' ? [own] : []), ...Array.from({ length: 50 }, (_, i) => `${own}/steps/${i}`), `${own}/zz/${'z'.repeat(100)}`];
  });
  await storage.write([...keys, 'room/x', 'rooms-2/y'].map((key) => ({ kind: 'put' as const, key, bytes: new Uint8Array(1) })));
  let looks = 0;
  const counting = { ...storage, list: (...given: Parameters<MemoryStorage['list']>) => (looks++, storage.list(...given)) } as unknown as MemoryStorage;
  const found: string[] = [];
  for await (const segment of segmentsBelow(counting, 'rooms/', {})) found.push(segment);
  expect([...found].sort()).toEqual(names.map(escapeSegment).sort());
  expect(looks).toBeLessThanOrEqual(2 * names.length + 1);
  for await (const segment of segmentsBelow(storage, 'nothing/', {})) expect.fail(segment);
});
