import { utf8 } from '../../core/bytes.ts';
import { digestOf, type Digest } from '../../core/digest.ts';
import type { StorageAdapter } from '../contract.ts';
import { assertEqual, assertRejects } from './assertions.ts';
import { append, entriesOf, keysOf, put, putOk, remove, sortedTexts, streamOf, textOf, writeBytes } from './calls.ts';
import type { DeclareTest } from './test-store.ts';

const invalidKeys: readonly unknown[] = [
  ...['', '/', 'a/', '/a', 'a//b', '.', '..', '../a', 'a/..', 'a/../b', './a', 'a/./b', '.hidden', 'a.', 'a./b'],
  ...['A', 'a b', 'a\\b', 'a:b', 'a*', 'a?b', 'a%2fb', 'é', 'a\0', 'a\n', '~', 'con', 'a/nul', 'lpt1.txt', 'a'.repeat(121), `${'a/'.repeat(500)}a`],
  ...[undefined, null, 5, {}, ['a']],
];

/** Keys that share names, reach the limits, or look like what an adapter may use inside. */
const validKeys = [
  ...['a', '-', '_', '0', 'a.b', 'a-b', 'a/b', 'a/b/c', 'ab', 'a/b.c', 'b/a', 'a'.repeat(120), `${'abcdefgh/'.repeat(99)}z`, 'console', 'com'],
  ...['tmp', 'log', 'logs', 'blobs', 'records', 'lock', 'meta.json', 'store.json', 'modelkeep', 'modelkeep.json', 'a/log', 'a/1', 'a.tmp', 'sha256', '__proto__'],
];

/** Keys: what is one, and that nothing else gets in. */
export function keyTests(test: DeclareTest): void {
  test('what is not a key is refused by every method, with nothing written', async ({ storage }) => {
    for (const invalid of invalidKeys) {
      const key = invalid as string;
      const calls: Record<string, () => unknown> = {
        read: () => storage.read(['a', key]),
        put: () => put(storage, key, 'text'),
        delete: () => remove(storage, key),
        append: () => append(storage, key, ['text']),
        'append of nothing': () => append(storage, key, []),
        readLog: () => entriesOf(storage, key),
        deleteLog: () => storage.deleteLog(key),
      };
      for (const [name, call] of Object.entries(calls)) await assertRejects('validation', call, `${name} of ${JSON.stringify(invalid)}`);
    }
    await assertNothing(storage);
  });

  test('what cannot name a writer is refused, with nothing written', async ({ storage }) => {
    for (const writer of ['', 'a/b', '..', 'A', 'a,b', 'a:b', 'con', 'a'.repeat(121), 5]) {
      await assertRejects('validation', () => append(storage, 'log', ['text'], { writer: writer as string }), `writer ${JSON.stringify(writer)}`);
    }
    await assertNothing(storage);
  });

  test('what is not a digest is refused, with nothing written', async ({ storage }) => {
    const hex = digestOf('text').slice('sha256:'.length);
    for (const invalid of ['', hex, `sha256:${hex.slice(1)}`, `sha256:${hex.toUpperCase()}`, `sha256:../../${hex}`, `md5:${hex}`, `sha256:${hex}\n`, undefined, 5]) {
      const digest = invalid as Digest;
      await assertRejects('validation', () => storage.readBlob(digest), `readBlob of ${JSON.stringify(invalid)}`);
      await assertRejects('validation', () => storage.deleteBlob(digest), `deleteBlob of ${JSON.stringify(invalid)}`);
      if (invalid !== undefined) await assertRejects('validation', () => storage.writeBlob(streamOf(utf8('text')), { digest }), `writeBlob as ${JSON.stringify(invalid)}`);
    }
    await assertNothing(storage);
  });

  test('every key has a record and a log of its own', async ({ storage }) => {
    for (const key of validKeys) {
      await putOk(storage, key, `record ${key}`, 'absent');
      await append(storage, key, [`log ${key}`]);
    }
    for (const key of validKeys) {
      assertEqual(await textOf(storage, key), `record ${key}`, `the record ${key}`);
      assertEqual(await sortedTexts(storage, key), [`log ${key}`], `the log ${key}`);
    }
    assertEqual(await keysOf(storage), [...validKeys].sort(), 'the list of records');
    assertEqual(await keysOf(storage, { kind: 'log' }), [...validKeys].sort(), 'the list of logs');
  });

  test('a record, a log and the keys below them do not touch each other', async ({ storage }) => {
    for (const key of ['a', 'a/b', 'a/b/c']) {
      await putOk(storage, key, key);
      await append(storage, key, [key]);
    }
    await storage.deleteLog('a/b');
    await remove(storage, 'a');
    assertEqual([await keysOf(storage), await keysOf(storage, { kind: 'log' })], [['a/b', 'a/b/c'], ['a', 'a/b/c']], 'records and logs');
    assertEqual([await textOf(storage, 'a/b'), await sortedTexts(storage, 'a'), await sortedTexts(storage, 'a/b')], ['a/b', ['a'], []], 'their contents');
  });

  test('values as large as the adapter allows are stored, larger ones refused', async ({ storage }) => {
    const { maxRecordBytes, maxEntryBytes } = storage.supports;
    const largest = 64 * 1024 * 1024;
    for (const size of [maxRecordBytes, maxRecordBytes + 1].filter((size) => size <= largest + 1)) {
      const write = (): unknown => storage.write([{ kind: 'put', key: 'a', bytes: filled(size) }]);
      if (size > maxRecordBytes) await assertRejects('validation', write, `a record of ${size} bytes`);
      else assertEqual([(await write()) !== undefined, sample((await storage.read(['a']))[0]?.bytes)], [true, sample(filled(size))], `a record of ${size} bytes`);
    }
    for (const size of [maxEntryBytes, maxEntryBytes + 1].filter((size) => size <= largest + 1)) {
      const write = (): unknown => storage.append('a', [utf8('before'), filled(size)]);
      if (size > maxEntryBytes) await assertRejects('validation', write, `an entry of ${size} bytes`);
      else assertEqual([(await write()) !== undefined, sample((await entriesOf(storage, 'a'))[1]?.bytes)], [true, sample(filled(size))], `an entry of ${size} bytes`);
    }
    assertEqual((await entriesOf(storage, 'a')).length, maxEntryBytes <= largest ? 2 : 0, 'entries of the log');
    await assertRejects('validation', () => storage.append('a', ['text' as unknown as Uint8Array]), 'an entry that is text');
  });

  test('records and blobs of odd but plain input stay apart', async ({ storage }) => {
    const { digest } = await writeBytes(storage, utf8('a'));
    await storage.write([{ kind: 'put', key: digest.slice('sha256:'.length), bytes: utf8('a record'), blobs: [digest] }]);
    await storage.deleteBlob(digest);
    assertEqual([await keysOf(storage), await keysOf(storage, { kind: 'blob' })], [[digest.slice(7)], []], 'records and blobs');
  });
}

async function assertNothing(storage: StorageAdapter): Promise<void> {
  for (const kind of ['record', 'log', 'blob'] as const) assertEqual(await keysOf(storage, { kind }), [], `${kind}s that were written`);
}

function filled(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 4093) bytes[at] = at / 4093;
  bytes[size - 1] = 7;
  return bytes;
}

/** What tells large values apart without comparing every byte. */
function sample(bytes: Uint8Array | undefined): unknown {
  return bytes && [bytes.length, bytes[bytes.length - 1], ...Array.from({ length: 100 }, (_, i) => bytes[4093 * i * 10])];
}
