import { concatBytes, fromUtf8, utf8 } from '../../core/bytes.ts';
import { digestOf } from '../../core/digest.ts';
import type { StorageAdapter, StoredRecord, Version, WriteOperation } from '../contract.ts';
import { assert, assertEqual, assertRejects } from './assertions.ts';
import { keysOf, put, putOk, randomBytes, remove, textOf } from './calls.ts';
import { seededRandom } from '../../core/random.ts';
import type { DeclareTest } from './test-store.ts';

/** Records: bytes, versions and conditions. */
export function recordTests(test: DeclareTest): void {
  test('a record that is not there reads as undefined', async ({ storage }) => {
    assertEqual(await storage.read(['a', 'b/c']), [undefined, undefined], 'read');
    assertEqual(await storage.read([]), [], 'a read of no keys');
    assertEqual(await storage.write([]), [], 'a write of nothing');
  });

  test('records are read in the order of the keys, repeated ones too', async ({ storage }) => {
    await putOk(storage, 'b', 'two');
    await putOk(storage, 'a', 'one');
    const records = await storage.read(['b', 'x', 'a', 'b']);
    assertEqual(records.map((record) => record?.bytes), [utf8('two'), undefined, utf8('one'), utf8('two')], 'read');
    // What maps over an array, or looks for something in it, passes over holes.
    assertEqual(Object.keys(records).length, 4, 'elements of the answer that are there');
  });

  test('any bytes come back as they were', async ({ storage }) => {
    const random = seededRandom(1);
    const values = [new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, i) => i), utf8('\n\r\0'), randomBytes(100_000, random), new Uint8Array(70_000)];
    for (const [i, bytes] of values.entries()) await storage.write([{ kind: 'put', key: `value/${i}`, bytes }]);
    const records = await storage.read(values.map((_, i) => `value/${i}`));
    for (const [i, bytes] of values.entries()) assertEqual(records[i]?.bytes, bytes, `record ${i}`);
  });

  test('a record that the caller holds may come with its version only, and every other comes whole', async ({ storage }) => {
    const versions = new Map([['a', await putOk(storage, 'a', 'one')], ['b', await putOk(storage, 'b', 'two')]]);
    const held = versions.get('a');
    const read = (): Promise<(StoredRecord | undefined)[]> =>
      storage.read(['a', 'b', 'c'], { holds: (key) => (key === 'b' ? 'of another' : held) });
    const [first, second, none] = await read();
    assertEqual(first?.version, held, 'the version of what is held');
    assert(first?.bytes.length === 0 || fromUtf8(first!.bytes) === 'one', 'What is held came with other bytes than its own.');
    assertEqual(second, { bytes: utf8('two'), version: versions.get('b'), blobs: [] }, 'what is not held');
    assertEqual(none, undefined, 'what is not there');
    assertEqual(await textOf(storage, 'a'), 'one', 'what was held, read again by who holds nothing');
    versions.set('a', await putOk(storage, 'a', 'three'));
    assertEqual((await read())[0], { bytes: utf8('three'), version: versions.get('a'), blobs: [] }, 'what was written since');
  });

  test('a view into a larger buffer is stored as the view', async ({ storage }) => {
    const buffer = utf8('before-inside-behind');
    await storage.write([{ kind: 'put', key: 'a', bytes: buffer.subarray(7, 13) }]);
    await storage.append('a', [buffer.subarray(7, 13)]);
    assertEqual(await textOf(storage, 'a'), 'inside', 'the record');
    for await (const entry of storage.readLog('a')) assertEqual(entry.bytes, utf8('inside'), 'the entry');
  });

  test('a put replaces a record whole', async ({ storage }) => {
    await putOk(storage, 'a', 'a long first value');
    await putOk(storage, 'a', 'short');
    assertEqual(await textOf(storage, 'a'), 'short', 'the record');
  });

  test('a record names its blobs until it is put again', async ({ storage }) => {
    const blobs = [digestOf('one'), digestOf('two')];
    await storage.write([{ kind: 'put', key: 'a', bytes: utf8('1'), blobs }]);
    assertEqual((await storage.read(['a']))[0]?.blobs, blobs, 'blobs');
    await putOk(storage, 'a', '2');
    assertEqual((await storage.read(['a']))[0]?.blobs, [], 'blobs of the next state');
  });

  test('every state of a record has a version of its own', async ({ storage }) => {
    const versions: Version[] = [];
    for (const text of ['same', 'same', 'other', 'same']) versions.push(await putOk(storage, 'a', text));
    assertEqual(new Set(versions).size, 4, 'different versions');
    assertEqual((await storage.read(['a']))[0]?.version, versions[3], 'the version that is read');
  });

  test('versions are never used again after a delete', async ({ storage }) => {
    const seen = new Set<Version>();
    for (let round = 0; round < 20; round++) {
      seen.add(await putOk(storage, 'a', 'same', 'absent'));
      assertEqual(await remove(storage, 'a'), { ok: true, version: undefined }, 'the delete');
    }
    assertEqual(seen.size, 20, 'different versions');
    await putOk(storage, 'a', 'same', 'absent');
    for (const match of seen) assert(!(await put(storage, 'a', 'stale', { match })).ok, 'a version from before a delete matched the new record');
    assertEqual(await textOf(storage, 'a'), 'same', 'the record');
  });

  conditionTests(test);
  batchTests(test);
  mutationTests(test);
}

function conditionTests(test: DeclareTest): void {
  test("'absent' creates and never replaces", async ({ storage }) => {
    const version = await putOk(storage, 'a', 'first', 'absent');
    assertEqual(await put(storage, 'a', 'second', 'absent'), { ok: false, reason: 'conflict', version }, 'the second put');
    assertEqual(await textOf(storage, 'a'), 'first', 'the record');
  });

  test('a match replaces the version it names and no other', async ({ storage }) => {
    const first = await putOk(storage, 'a', 'first');
    const second = await putOk(storage, 'a', 'second', { match: first });
    assertEqual(await put(storage, 'a', 'third', { match: first }), { ok: false, reason: 'conflict', version: second }, 'the stale put');
    assertEqual(await put(storage, 'b', 'text', { match: first }), { ok: false, reason: 'conflict', version: undefined }, 'a match on what is not there');
    assertEqual(await storage.read(['a', 'b']), [{ bytes: utf8('second'), version: second, blobs: [] }, undefined], 'the records');
  });

  test('any text may be given as a version and matches nothing', async ({ storage }) => {
    await putOk(storage, 'a', 'text');
    for (const match of ['', '0', '../a', 'é', 'x'.repeat(300)]) assert(!(await put(storage, 'a', 'other', { match })).ok, `The version ${match} matched`);
    assertEqual(await textOf(storage, 'a'), 'text', 'the record');
  });

  test('a delete removes, and is harmless where there is nothing', async ({ storage }) => {
    await putOk(storage, 'a', 'text');
    assertEqual(await remove(storage, 'a'), { ok: true, version: undefined }, 'the delete');
    assertEqual(await textOf(storage, 'a'), undefined, 'the record');
    assertEqual(await remove(storage, 'a'), { ok: true, version: undefined }, 'the second delete');
    assertEqual(await keysOf(storage), [], 'the list');
  });

  test('a delete with a match removes the version it names and no other', async ({ storage }) => {
    const first = await putOk(storage, 'a', 'first');
    const second = await putOk(storage, 'a', 'second');
    assertEqual(await remove(storage, 'a', first), { ok: false, reason: 'conflict', version: second }, 'the stale delete');
    assertEqual(await remove(storage, 'a', second), { ok: true, version: undefined }, 'the delete');
    assertEqual(await remove(storage, 'a', second), { ok: false, reason: 'conflict', version: undefined }, 'a match on what is gone');
  });
}

function batchTests(test: DeclareTest): void {
  test('bytes whose slice shares their memory, as that of a Buffer of Node does, are copied all the same', async ({ storage }) => {
    const [bytes, entry, chunk] = ['record', 'entry', 'chunk'].map((text) => SharingBytes.from(utf8(text))) as [SharingBytes, SharingBytes, SharingBytes];
    const writing = [storage.write([{ kind: 'put', key: 'a', bytes }]), storage.append('a', [entry])];
    for (const given of [bytes, entry]) given.fill(0);
    await Promise.all(writing);
    const { digest } = await storage.writeBlob(
      (async function* () {
        yield chunk;
        chunk.fill(0);
      })(),
    );
    assertEqual(digest, digestOf('chunk'), 'the digest');
    for (let time = 1; time <= 2; time++) {
      const [record] = await storage.read(['a']);
      assertEqual(record?.bytes, utf8('record'), 'the record');
      record!.bytes.fill(0);
      for await (const read of storage.readLog('a')) {
        assertEqual(read.bytes, utf8('entry'), 'the entry');
        read.bytes.fill(0);
      }
      const chunks: Uint8Array[] = [];
      for await (const read of (await storage.readBlob(digest)) ?? []) chunks.push(read);
      assertEqual(concatBytes(chunks), utf8('chunk'), 'the blob');
      for (const read of chunks) read.fill(0);
    }
  });

  test('each operation of a batch has a result of its own', async ({ storage }) => {
    const present = await putOk(storage, 'b', 'present');
    const results = await storage.write([
      { kind: 'put', key: 'a', bytes: utf8('new'), condition: 'absent' },
      { kind: 'put', key: 'b', bytes: utf8('refused'), condition: 'absent' },
      { kind: 'delete', key: 'c', condition: { match: present } },
      { kind: 'put', key: 'd', bytes: utf8('behind the refused') },
    ]);
    assertEqual(results.map((result) => result.ok), [true, false, false, true], 'results');
    assertEqual(results[1], { ok: false, reason: 'conflict', version: present }, 'the refused put');
    const records = await storage.read(['a', 'b', 'c', 'd']);
    assertEqual(records.map((record) => record?.bytes), [utf8('new'), utf8('present'), undefined, utf8('behind the refused')], 'the records');
    assertEqual([records[0]?.version, records[3]?.version], [results[0]!.version, results[3]!.version], 'the versions');
  });

  test('operations of a batch on one key see each other, in order', async ({ storage }) => {
    const operation = (text: string): WriteOperation => ({ kind: 'put', key: 'a', bytes: utf8(text), condition: 'absent' });
    const results = await storage.write([operation('first'), operation('second'), { kind: 'delete', key: 'a' }, operation('third'), operation('fourth')]);
    assertEqual(results.map((result) => result.ok), [true, false, true, true, false], 'results');
    assertEqual(results[1]!.version, results[0]!.version, 'the version that the second put met');
    assertEqual((await storage.read(['a']))[0], { bytes: utf8('third'), version: results[3]!.version, blobs: [] }, 'the record');
  });

  test('a batch with a bad operation is refused whole', async ({ storage }) => {
    const good: WriteOperation = { kind: 'put', key: 'good', bytes: utf8('text') };
    const bad = [
      { kind: 'put', key: '../bad', bytes: utf8('text') },
      { kind: 'delete', key: 'Bad' },
      { kind: 'put', key: 'bad', bytes: 'text' },
      { kind: 'put', key: 'bad', bytes: utf8('text'), blobs: ['sha256:../../bad'] },
      { kind: 'put', key: 'bad', bytes: utf8('text'), condition: 'missing' },
      { kind: 'put', key: 'bad', bytes: utf8('text'), condition: { matches: '1' } },
      { kind: 'delete', key: 'good', condition: 'absent' },
      { kind: 'replace', key: 'bad', bytes: utf8('text') },
    ] as unknown as WriteOperation[];
    for (const operation of bad) await assertRejects('validation', () => storage.write([good, operation, good]), `a batch with ${JSON.stringify(operation)}`);
    assertEqual(await keysOf(storage), [], 'what was written');
  });

  test('a thousand writes in one batch, and a thousand at once', async ({ storage }) => {
    const keys = Array.from({ length: 1000 }, (_, i) => `k${String(i).padStart(4, '0')}`);
    const together = await storage.write(keys.map((key) => ({ kind: 'put', key: `batch/${key}`, bytes: utf8(key) })));
    const single = await Promise.all(keys.map((key) => put(storage, `single/${key}`, key)));
    assertEqual(new Set([...together, ...single].map((result) => result.version)).size, 2000, 'different versions');
    for (const folder of ['batch', 'single']) {
      const records = await storage.read(keys.map((key) => `${folder}/${key}`));
      assertEqual(records.map((record) => record?.bytes), keys.map(utf8), folder);
    }
  });

  test('writes of one key that are started one after the other take effect in that order', async ({ storage }) => {
    await Promise.all(Array.from({ length: 50 }, (_, i) => put(storage, 'a', String(i))));
    assertEqual(await textOf(storage, 'a'), '49', 'the record');
  });
}

function mutationTests(test: DeclareTest): void {
  test('changing bytes that were passed in changes nothing', async ({ storage }) => {
    const bytes = utf8('text');
    const writing = storage.write([{ kind: 'put', key: 'a', bytes }]);
    bytes.fill(0);
    await writing;
    assertEqual(await textOf(storage, 'a'), 'text', 'the record');
  });

  test('changing what was handed out changes nothing', async ({ storage }) => {
    const blobs = [digestOf('blob')];
    await storage.write([{ kind: 'put', key: 'a', bytes: utf8('text'), blobs }]);
    blobs.pop();
    const scribble = async (): Promise<void> => {
      const [record] = await storage.read(['a']);
      record!.bytes.fill(0);
      (record!.blobs as string[]).push('rubbish');
    };
    await scribble();
    await scribble();
    assertEqual(await stateOf(storage, 'a'), ['text', [digestOf('blob')]], 'the record');
  });
}

class SharingBytes extends Uint8Array {
  override slice(start?: number, end?: number): Uint8Array<ArrayBuffer> {
    return this.subarray(start, end);
  }
}

async function stateOf(storage: StorageAdapter, key: string): Promise<unknown> {
  return [await textOf(storage, key), (await storage.read([key]))[0]?.blobs];
}
