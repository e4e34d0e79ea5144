import { utf8 } from '../../core/bytes.ts';
import { newId } from '../../core/ids.ts';
import type { StorageAdapter, WriteOperation } from '../contract.ts';
import { rememberedOperations } from '../operation-memory.ts';
import { assert, assertEqual } from './assertions.ts';
import { append, keysOf, put, putOk, remove, sortedTexts, textOf } from './calls.ts';
import type { DeclareTest } from './test-store.ts';

/** Named writes: a retry is recognised as one's own. */
export function namedWriteTests(test: DeclareTest): void {
  test('a repeated put is not done again and gives its first result', async ({ storage }) => {
    const operationId = newId();
    const first = await put(storage, 'a', 'mine', 'absent', operationId);
    assert(first.ok, 'The first put was refused');
    assertEqual(await put(storage, 'a', 'mine', 'absent', operationId), first, 'the retry');
    const version = await putOk(storage, 'a', 'theirs', { match: first.version! });
    assertEqual(await put(storage, 'a', 'mine', 'absent', operationId), first, 'the retry after another wrote');
    assertEqual((await storage.read(['a']))[0], { bytes: utf8('theirs'), version, blobs: [] }, 'the record');
    await remove(storage, 'a');
    assertEqual(await put(storage, 'a', 'mine', 'absent', operationId), first, 'the retry after a delete');
    assertEqual(await textOf(storage, 'a'), undefined, 'the record after a delete');
  });

  test('a repeated put with a match is no conflict with itself', async ({ storage }) => {
    const before = await putOk(storage, 'a', 'before');
    const operationId = newId();
    const first = await put(storage, 'a', 'after', { match: before }, operationId);
    assertEqual(await put(storage, 'a', 'after', { match: before }, operationId), first, 'the retry');
    assert(first.ok, 'The first put was refused');
  });

  test('a repeated delete does not delete what came after', async ({ storage }) => {
    const version = await putOk(storage, 'a', 'old');
    const operationId = newId();
    const first = await remove(storage, 'a', version, operationId);
    assertEqual(first, { ok: true, version: undefined }, 'the delete');
    await putOk(storage, 'a', 'new');
    assertEqual(await remove(storage, 'a', version, operationId), first, 'the retry');
    assertEqual(await textOf(storage, 'a'), 'new', 'the record');
  });

  test('one name twice in a batch, or twice at once, is done once', async ({ storage }) => {
    const operation = (key: string, operationId: string): WriteOperation => ({ kind: 'put', key, bytes: utf8('text'), condition: 'absent', operationId });
    const inBatch = operation('a', newId());
    const [first, second] = await storage.write([inBatch, inBatch]);
    assertEqual(second, first, 'the second of the batch');
    const atOnce = operation('b', newId());
    const results = await Promise.all(Array.from({ length: 8 }, async () => (await storage.write([atOnce]))[0]));
    assert(results[0]?.ok, 'The put was refused');
    for (const result of results) assertEqual(result, results[0], 'one of eight at once');
  });

  test(`the last ${rememberedOperations} names are remembered`, async ({ storage }) => {
    const first = await put(storage, 'first', 'text', 'absent', newId());
    const operationId = newId();
    const mine = await put(storage, 'mine', 'text', 'absent', operationId);
    assert(first.ok && mine.ok, 'A put was refused');
    for (let left = rememberedOperations - 1; left > 0; left -= 1111) {
      await storage.write(Array.from({ length: 1111 }, (_, i) => ({ kind: 'put', key: `k${i}`, bytes: utf8('x'), operationId: newId() })));
    }
    assertEqual(await put(storage, 'mine', 'text', 'absent', operationId), mine, 'the retry');
  });

  test('a repeated append is not written twice and gives its first position', async ({ storage }) => {
    const operationId = newId();
    for (const options of [{ operationId }, { operationId, writer: 'w' }]) {
      const first = await append(storage, 'log', ['one', 'two'], options);
      assertEqual(await append(storage, 'log', ['one', 'two'], options), first, 'the retry');
      await append(storage, 'log', ['three'], { ...options, operationId: newId() });
      assertEqual(await append(storage, 'log', ['one', 'two'], options), first, 'the retry after another append');
    }
    const retried = newId();
    await Promise.all(Array.from({ length: 4 }, () => append(storage, 'log', ['four'], { operationId: retried, writer: 'w' })));
    assertEqual(await sortedTexts(storage, 'log'), ['four', 'one', 'one', 'three', 'three', 'two', 'two'], 'the log');
  });

  test('an append is known by its name, writer and log together', async ({ storage }) => {
    const operationId = newId();
    for (const log of ['log', 'log/x']) for (const writer of ['v', 'w']) await append(storage, log, ['text'], { operationId, writer });
    assertEqual([await sortedTexts(storage, 'log'), await sortedTexts(storage, 'log/x')], [['text', 'text'], ['text', 'text']], 'the logs');
  });
}

/** Named writes of a store that outlives its instances or has several; `next` gives the other instance. */
export function namedWriteAcrossTests(test: DeclareTest, when: string, next: (store: Parameters<Parameters<DeclareTest>[1]>[0]) => Promise<StorageAdapter>): void {
  test(`named writes are recognised ${when}`, async (store) => {
    const [putId, deleteId, appendId] = [newId(), newId(), newId()];
    const doomed = await putOk(store.storage, 'doomed', 'text');
    const written = await put(store.storage, 'a', 'mine', 'absent', putId);
    const removed = await remove(store.storage, 'doomed', doomed, deleteId);
    const position = await append(store.storage, 'log', ['one'], { operationId: appendId, writer: 'w' });
    await putOk(store.storage, 'a', 'theirs');
    await putOk(store.storage, 'doomed', 'again');

    const other = await next(store);
    assertEqual(await put(other, 'a', 'mine', 'absent', putId), written, 'the retried put');
    assertEqual(await remove(other, 'doomed', doomed, deleteId), removed, 'the retried delete');
    assertEqual(await append(other, 'log', ['one'], { operationId: appendId, writer: 'w' }), position, 'the retried append');
    assertEqual([await textOf(other, 'a'), await textOf(other, 'doomed'), await sortedTexts(other, 'log')], ['theirs', 'again', ['one']], 'the store');
    assertEqual(await keysOf(other), ['a', 'doomed'], 'the list');
  });
}
