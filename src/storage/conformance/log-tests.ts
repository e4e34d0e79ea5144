import { fromUtf8, utf8 } from '../../core/bytes.ts';
import { randomBytes, append, entriesOf, keysOf, sortedTexts, textsByWriter, textsOf } from './calls.ts';
import { seededRandom } from '../../core/random.ts';
import type { LogEntry } from '../contract.ts';
import { assert, assertEqual, assertRejects } from './assertions.ts';
import type { DeclareTest } from './test-store.ts';

/** Logs: sequences, writers, positions. */
export function logTests(test: DeclareTest): void {
  test('a log that is not there has no entries', async ({ storage }) => {
    assertEqual(await entriesOf(storage, 'log'), [], 'entries');
    await storage.deleteLog('log');
  });

  test('entries come back as they were, in sequence from 1', async ({ storage }) => {
    const random = seededRandom(2);
    const values = [new Uint8Array(0), utf8('text'), new Uint8Array(1), utf8('\n'), randomBytes(200_000, random), utf8('last')];
    await storage.append('log', values.slice(0, 2), { writer: 'w' });
    await storage.append('log', values.slice(2), { writer: 'w' });
    const entries = await entriesOf(storage, 'log');
    assertEqual(entries.map(({ writer, sequence, bytes }) => ({ writer, sequence, bytes })), values.map((bytes, i) => ({ writer: 'w', sequence: i + 1, bytes })), 'entries');
  });

  test('an append of nothing writes nothing', async ({ storage }) => {
    assertEqual(typeof (await append(storage, 'log', [])), 'string', 'the position');
    assertEqual(await keysOf(storage, { kind: 'log' }), [], 'the logs');
    await append(storage, 'log', ['one'], { writer: 'w' });
    await append(storage, 'log', [], { writer: 'w' });
    await append(storage, 'log', ['two'], { writer: 'w' });
    assertEqual(await textsByWriter(storage, 'log'), new Map([['w', ['one', 'two']]]), 'the log');
    assertEqual(await sortedTexts(storage, 'log'), ['one', 'two'], 'the texts');
  });

  test('each writer has a sequence of its own', async ({ storage }) => {
    await append(storage, 'log', ['v1', 'v2'], { writer: 'v' });
    await append(storage, 'log', ['w1'], { writer: 'w' });
    await append(storage, 'log', ['own1']);
    await append(storage, 'log', ['v3'], { writer: 'v' });
    await append(storage, 'log', ['own2']);
    const texts = await textsByWriter(storage, 'log');
    const own = [...texts.keys()].find((writer) => writer !== 'v' && writer !== 'w') ?? '';
    assertEqual([texts.size, texts.get('v'), texts.get('w'), texts.get(own)], [3, ['v1', 'v2', 'v3'], ['w1'], ['own1', 'own2']], 'the log');
  });

  test('appends that are started at once keep their order, lose nothing and stay together', async ({ storage }) => {
    await Promise.all(Array.from({ length: 200 }, (_, i) => append(storage, 'log', [`${i}a`, `${i}b`], i % 2 === 0 ? {} : { writer: 'w' })));
    for (const [writer, texts] of await textsByWriter(storage, 'log')) {
      const first = writer === 'w' ? 1 : 0;
      assertEqual(texts, Array.from({ length: 100 }, (_, i) => [`${2 * i + first}a`, `${2 * i + first}b`]).flat(), `the entries of ${writer}`);
    }
    assertEqual((await sortedTexts(storage, 'log')).length, 400, 'entries');
  });

  test('any position goes on behind its entry', async ({ storage }) => {
    for (let i = 0; i < 5; i++) for (const writer of ['u', 'v', 'w']) await append(storage, 'log', [`${writer}${i}`], { writer });
    const entries = await entriesOf(storage, 'log');
    assertEqual(entries.length, 15, 'entries');
    for (const [i, entry] of entries.entries()) {
      const rest = await entriesOf(storage, 'log', { after: entry.position });
      assertEqual(textsOf(rest), textsOf(entries.slice(i + 1)), `entries after the position of ${fromUtf8(entry.bytes)}`);
    }
    const end = entries[14]!.position;
    await append(storage, 'log', ['new'], { writer: 'v' });
    await append(storage, 'log', ['first'], { writer: 'x' });
    assertEqual(textsOf(await entriesOf(storage, 'log', { after: end })), ['first', 'new'], 'entries that came later');
  });

  test('an append gives the position behind its entries', async ({ storage }) => {
    await append(storage, 'log', ['one'], { writer: 'w' });
    const position = await append(storage, 'log', ['two', 'three'], { writer: 'w' });
    assertEqual(await entriesOf(storage, 'log', { after: position }), [], 'entries after the last append');
    await append(storage, 'log', ['four'], { writer: 'w' });
    assertEqual(textsOf(await entriesOf(storage, 'log', { after: position })), ['four'], 'entries after the second append');
    const everything = await entriesOf(storage, 'log', { after: '' }).catch((error: unknown) => error);
    assert(everything instanceof Error || (everything as unknown[]).length === 4, 'An empty position is the beginning, or refused');
    await assertRejects('validation', () => entriesOf(storage, 'log', { after: 'no position, for sure!' }), 'a position that is none');
  });

  test('appends that are started at once get each a position behind its own entries', async ({ storage }) => {
    const texts = Array.from({ length: 20 }, (_, i) => [`${i}a`, `${i}b`]);
    const positions = await Promise.all(texts.map((two) => append(storage, 'log', two, { writer: 'w' })));
    for (const [i, position] of positions.entries()) {
      const rest = await entriesOf(storage, 'log', { after: position });
      assertEqual(rest.map(({ bytes }) => fromUtf8(bytes)), texts.slice(i + 1).flat(), `entries after append ${i}`);
    }
  });

  test('reading ends, even when every entry read makes another', async ({ storage }) => {
    await append(storage, 'log', ['one', 'two'], { writer: 'w' });
    let read = 0;
    for await (const entry of storage.readLog('log')) {
      read++;
      await append(storage, 'log', [`after ${entry.sequence}`], { writer: 'w' });
      assert(read < 100, 'Reading does not end');
    }
    assert(read >= 2, 'An entry was lost');
    assertEqual((await sortedTexts(storage, 'log')).length, 2 + read, 'entries');
  });

  test('a reader that stops early leaves the log as it was', async ({ storage }) => {
    await append(storage, 'log', ['one', 'two', 'three']);
    for await (const entry of storage.readLog('log')) if (entry.sequence === 1) break;
    await append(storage, 'log', ['four']);
    assertEqual(await sortedTexts(storage, 'log'), ['four', 'one', 'three', 'two'], 'the log');
  });

  test('a deleted log is gone and begins anew', async ({ storage }) => {
    await append(storage, 'log', ['old'], { writer: 'w' });
    await append(storage, 'log', ['old']);
    await append(storage, 'log/below', ['kept']);
    await storage.deleteLog('log');
    assertEqual(await entriesOf(storage, 'log'), [], 'the log after the delete');
    await append(storage, 'log', ['new'], { writer: 'w' });
    await append(storage, 'log', ['new']);
    assertEqual((await entriesOf(storage, 'log')).map(({ sequence, bytes }) => [sequence, fromUtf8(bytes)]), [[1, 'new'], [1, 'new']], 'the new log');
    assertEqual(await sortedTexts(storage, 'log/below'), ['kept'], 'the log below');
  });

  test('an append that need not wait for the disk is there all the same', async ({ storage }) => {
    await append(storage, 'log', ['one'], { durability: 'buffered', writer: 'w' });
    await append(storage, 'log', ['two'], { durability: 'flushed', writer: 'w' });
    await append(storage, 'log', ['three'], { durability: 'buffered', writer: 'w' });
    assertEqual((await textsByWriter(storage, 'log')).get('w'), ['one', 'two', 'three'], 'the log');
  });

  test('changing entries that were passed in or handed out changes nothing', async ({ storage }) => {
    const entry = utf8('text');
    const appending = storage.append('log', [entry]);
    entry.fill(0);
    await appending;
    for (const { bytes } of await entriesOf(storage, 'log')) bytes.fill(0);
    assertEqual(await sortedTexts(storage, 'log'), ['text'], 'the log');
  });

  test('entries that are used before the next one is asked for are what was appended', async ({ storage }) => {
    const random = seededRandom(3);
    const values = [7, 0, 200_000, 5, 4_096, 4_097, 150_001, 4_098, 90_003, 1].map((length) => randomBytes(length, random));
    await storage.append('log', values.slice(0, 6), { writer: 'w' });
    const middle = await storage.append('log', values.slice(6, 8), { writer: 'w' });
    await storage.append('log', values.slice(8), { writer: 'w' });
    for (const after of [undefined, middle]) {
      let at = after === undefined ? 0 : 8;
      for await (const { sequence, bytes } of storage.readLog('log', { after, transient: true })) assertEqual([sequence, bytes], [at + 1, values[at++]], 'the entry');
      assertEqual(at, values.length, 'entries');
    }
    assertEqual((await entriesOf(storage, 'log')).map(({ bytes }) => bytes), values, 'the log afterwards');
  });

  test('readings at the same time are not lent the same memory, nor is one after another was left midway', async ({ storage }) => {
    const random = seededRandom(4);
    const values = Array.from({ length: 6 }, () => randomBytes(50_000, random));
    for (const half of [values.slice(0, 3), values.slice(3)]) await storage.append('log', half, { writer: 'w' });
    const begin = (): AsyncIterator<LogEntry> => storage.readLog('log', { transient: true })[Symbol.asyncIterator]();
    for (let round = 0; round < 2; round++) {
      const [slow, quick] = [begin(), begin()];
      for (const expected of values) {
        const lent = (await slow.next()).value as LogEntry;
        assertEqual(((await quick.next()).value as LogEntry).bytes, expected, 'the entry of the one');
        if (lent.sequence === 3) for await (const { sequence, bytes } of storage.readLog('log', { transient: true })) assertEqual(bytes, values[sequence - 1], 'the entry of a third');
        assertEqual(lent.bytes, expected, 'the entry of the other');
      }
      assertEqual([(await slow.next()).done, (await quick.next()).done], [true, true], 'the ends');
    }
    const left = begin();
    const last = (await left.next()).value as LogEntry;
    await left.return?.();
    for await (const { sequence, bytes } of storage.readLog('log', { transient: true })) assertEqual(bytes, values[sequence - 1], 'the entry');
    assertEqual(last.bytes, values[0], 'what was lent last');
  });
}
