import { fromUtf8, utf8 } from '../../core/bytes.ts';
import { digestOf } from '../../core/digest.ts';
import { isModelkeepError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter } from '../contract.ts';
import { assert, assertEqual, assertRejects } from './assertions.ts';
import { append, entriesOf, entriesOfList, keysOf, put, putOk, readBytes, remove, sortedTexts, streamOf, textOf, textsByWriter, writeBytes } from './calls.ts';
import type { ClaimedSupports, DeclareTest } from './test-store.ts';

/** What an instance says of itself, how its calls are aborted, and how it ends. */
export function lifecycleTests(test: DeclareTest, supports: ClaimedSupports): void {
  test('it is what it was said to be', async ({ storage }) => {
    assert(storage.name !== '', 'The adapter has no name for messages');
    const { durability, sharedBetweenProcesses, maxRecordBytes, maxEntryBytes } = storage.supports;
    assertEqual({ durability, sharedBetweenProcesses }, { durability: supports.durability, sharedBetweenProcesses: supports.sharedBetweenProcesses }, 'supports');
    assert(maxRecordBytes >= 65_536 && maxEntryBytes >= 65_536, 'Records and entries of 64 KiB must fit');
  });

  test('a call whose signal has fired does nothing', async ({ storage }) => {
    await putOk(storage, 'a', 'text');
    await append(storage, 'log', ['text']);
    const { digest } = await writeBytes(storage, utf8('text'));
    for (const [name, call] of Object.entries(everyCall(storage, { signal: AbortSignal.abort(new Error('enough')) }))) await assertRejects('aborted', call, name);
    const contents = [await textOf(storage, 'a'), await sortedTexts(storage, 'log'), await keysOf(storage, { kind: 'blob' }), await keysOf(storage)];
    assertEqual(contents, ['text', ['text'], [digest], ['a']], 'the store');
  });

  test('a write that is aborted under way is done whole or not at all', async ({ storage }) => {
    for (let round = 0; round < 10; round++) {
      const controller = new AbortController();
      const options = { signal: controller.signal };
      const bytes = utf8(`${round} `.repeat(5000));
      const writing = storage.write([{ kind: 'put', key: `k${round}`, bytes }], options).then(() => 'done', codeOf);
      const appending = storage.append('log', [bytes, bytes], options).then(() => 'done', codeOf);
      controller.abort();
      const outcomes = [await writing, await appending];
      assert(outcomes.every((outcome) => outcome === 'done' || outcome === 'aborted'), `An aborted write ended otherwise: ${outcomes.join(', ')}`);
      const [record] = await storage.read([`k${round}`]);
      assertEqual(record?.bytes ?? bytes, bytes, 'the record');
      if (outcomes[0] === 'done') assert(record !== undefined, 'An acknowledged record is not there');
      const entries = (await entriesOf(storage, 'log')).filter((entry) => fromUtf8(entry.bytes) === fromUtf8(bytes));
      assert(entries.length === 2 || (entries.length === 0 && outcomes[1] === 'aborted'), `${entries.length} of 2 entries are there after ${outcomes[1]}`);
    }
  });

  test('reading a log ends when it is aborted', async ({ storage }) => {
    await append(storage, 'log', Array.from({ length: 1000 }, (_, i) => String(i)));
    const controller = new AbortController();
    const read = async (): Promise<void> => {
      for await (const entry of storage.readLog('log', { signal: controller.signal })) if (entry.sequence === 5) controller.abort();
    };
    await assertRejects('aborted', read, 'the read');
  });

  test('a closed instance refuses every call, and closing it again is harmless', async ({ storage }) => {
    await putOk(storage, 'a', 'text');
    await storage.close();
    for (const [name, call] of Object.entries(everyCall(storage, {}))) await assertRejects('closed', call, `${name} after close`);
    if (storage.onChange) await assertRejects('closed', () => storage.onChange?.(() => undefined), 'onChange after close');
    await storage.close();
    await storage[Symbol.asyncDispose]();
  });

  test('disposing closes', async ({ storage }) => {
    await storage[Symbol.asyncDispose]();
    await assertRejects('closed', () => storage.read(['a']), 'read after disposal');
  });

  test('closing waits for what is under way', async ({ storage }) => {
    const started: Promise<unknown>[] = [
      ...[putOk(storage, 'a', 'text'), storage.read(['a']), storage.list()],
      ...[append(storage, 'log', ['text']), append(storage, 'log', ['more'], { writer: 'w' }), storage.deleteLog('other')],
      ...[writeBytes(storage, new Uint8Array(500_000)), storage.deleteBlob(digestOf('absent'))],
    ];
    await storage.close();
    for (const outcome of await Promise.allSettled(started)) assertEqual(outcome.status, 'fulfilled', 'a call that was under way');
  });
}

/** Persistence: what an instance wrote, the next finds. */
export function reopenTests(test: DeclareTest): void {
  test('everything that was acknowledged is there after reopening', async (store) => {
    const { storage } = store;
    const version = await putOk(storage, 'a/b', 'kept');
    await putOk(storage, 'gone', 'text');
    await remove(storage, 'gone');
    const blobs = [digestOf('named')];
    await storage.write([{ kind: 'put', key: 'c', bytes: new Uint8Array(0), blobs }]);
    await append(storage, 'log', ['one', 'two'], { writer: 'w' });
    const own = await append(storage, 'log/own', ['mine']);
    const bytes = new Uint8Array(1_000_000).fill(3);
    const { digest } = await writeBytes(storage, bytes);

    const next = await store.reopen();
    assertEqual((await next.read(['a/b', 'gone']))[0], { bytes: utf8('kept'), version, blobs: [] }, 'a record');
    assertEqual((await next.read(['c', 'gone'])).map((record) => record?.blobs), [blobs, undefined], 'blobs of records');
    assertEqual(await keysOf(next), ['a/b', 'c'], 'the list');
    assertEqual([await sortedTexts(next, 'log'), await sortedTexts(next, 'log/own'), await keysOf(next, { kind: 'log' })], [['one', 'two'], ['mine'], ['log', 'log/own']], 'logs');
    assertEqual(await entriesOf(next, 'log/own', { after: own }), [], 'entries after a position from before');
    assertEqual(await readBytes(next, digest), bytes, 'the blob');
    const [listed] = await entriesOfList(next, { kind: 'blob' });
    await writeBytes(next, bytes);
    await assertRejects('conflict', () => next.deleteBlob(digest, { match: listed!.version }), 'a delete of a blob that was written anew');
    assertEqual(await put(next, 'a/b', 'changed', { match: version }).then((result) => result.ok), true, 'a put that matches a version from before');
  });

  test('a log goes on where it was, and a new instance has a sequence of its own', async (store) => {
    await append(store.storage, 'log', ['one'], { writer: 'w' });
    await append(store.storage, 'log', ['first']);
    const [{ position } = { position: '' }] = (await entriesOf(store.storage, 'log')).slice(-1);
    const next = await store.reopen();
    await append(next, 'log', ['two'], { writer: 'w' });
    await append(next, 'log', ['second']);
    const texts = await textsByWriter(next, 'log');
    assertEqual([texts.get('w'), texts.size], [['one', 'two'], 3], 'the log');
    const later = (await entriesOf(next, 'log', { after: position })).map((entry) => fromUtf8(entry.bytes)).sort();
    assertEqual(later, ['second', 'two'], 'entries after a position from before');
  });

  test('a deleted log stays deleted, and a deleted blob too', async (store) => {
    await append(store.storage, 'log', ['old'], { writer: 'w' });
    await store.storage.deleteLog('log');
    const { digest } = await writeBytes(store.storage, utf8('old'));
    await store.storage.deleteBlob(digest);
    const next = await store.reopen();
    assertEqual([await keysOf(next, { kind: 'log' }), await entriesOf(next, 'log'), await readBytes(next, digest)], [[], [], undefined], 'after reopening');
    await append(next, 'log', ['new'], { writer: 'w' });
    assertEqual((await textsByWriter(next, 'log')).get('w'), ['new'], 'the new log');
  });

  test('versions are never used again after a delete and reopening', async (store) => {
    const seen = new Set<string>();
    let storage = store.storage;
    for (let round = 0; round < 5; round++) {
      seen.add(await putOk(storage, 'a', 'same', 'absent'));
      await remove(storage, 'a');
      storage = await store.reopen();
    }
    assertEqual(seen.size, 5, 'different versions');
  });
}

function everyCall(storage: StorageAdapter, options: OperationOptions): Record<string, () => unknown> {
  return {
    read: () => storage.read(['a'], options),
    put: () => storage.write([{ kind: 'put', key: 'b', bytes: utf8('new') }], options),
    delete: () => storage.write([{ kind: 'delete', key: 'a' }], options),
    list: () => storage.list({}, options),
    append: () => storage.append('log', [utf8('new')], options),
    readLog: () => entriesOf(storage, 'log', options),
    deleteLog: () => storage.deleteLog('log', options),
    writeBlob: () => storage.writeBlob(streamOf(utf8('new')), options),
    readBlob: () => readAll(storage, options),
    deleteBlob: () => storage.deleteBlob(digestOf('text'), options),
  };
}

async function readAll(storage: StorageAdapter, options: OperationOptions): Promise<void> {
  for await (const chunk of (await storage.readBlob(digestOf('text'), options)) ?? []) assert(chunk.length > 0, 'An empty chunk');
}

function codeOf(error: unknown): string {
  return isModelkeepError(error) ? error.code : String(error);
}
