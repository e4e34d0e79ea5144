import { utf8 } from '../../core/bytes.ts';
import { digestOf, type Digest } from '../../core/digest.ts';
import { isModelkeepError } from '../../core/errors.ts';
import type { StorageAdapter, Version } from '../contract.ts';
import { assert, assertEqual, assertRejects } from './assertions.ts';
import { entriesOfList, keysOf, readBytes, writeBytes } from './calls.ts';
import type { DeclareTest, TestStore } from './test-store.ts';

const absent = digestOf('a blob that nobody wrote');

/** Versions of blobs: what lets a collector delete a blob only if nobody wrote it anew meanwhile. */
export function blobVersionTests(test: DeclareTest): void {
  test('a blob is deleted at the version that it is listed with, and at no other', async ({ storage }) => {
    const bytes = utf8('text');
    const { digest } = await writeBytes(storage, bytes);
    const { digest: other } = await writeBytes(storage, utf8('other'));
    const match = await versionOf(storage, digest);
    for (const wrong of ['', '0', 'é', 'x'.repeat(300), `${match}0`, digest]) {
      if (wrong !== match) await assertRejects('conflict', () => storage.deleteBlob(digest, { match: wrong }), `a delete at the version ${wrong}`);
    }
    for (const wrong of [5, null, {}]) {
      await assertRejects('validation', () => storage.deleteBlob(digest, { match: wrong as unknown as Version }), `a delete at ${JSON.stringify(wrong)}`);
    }
    assertEqual([await readBytes(storage, digest), await versionOf(storage, digest)], [bytes, match], 'the blob after deletes that were refused');
    await storage.deleteBlob(digest, { match });
    assertEqual([await readBytes(storage, digest), await keysOf(storage, { kind: 'blob' })], [undefined, [other]], 'after the delete');
    await storage.deleteBlob(digest, { match });
    await storage.deleteBlob(absent, { match });
  });

  test('a blob that is written anew has another version, however soon, and stays when the old one is to be deleted', async ({ storage }) => {
    const bytes = utf8('text');
    const { digest } = await writeBytes(storage, bytes);
    const versions = [await versionOf(storage, digest)];
    for (let round = 0; round < 20; round++) {
      await writeBytes(storage, bytes);
      versions.push(await versionOf(storage, digest));
    }
    assertEqual(new Set(versions).size, 21, 'different versions');
    const last = versions.pop();
    for (const match of versions) await assertRejects('conflict', () => storage.deleteBlob(digest, { match }), 'a delete at an earlier version');
    assertEqual([await readBytes(storage, digest), await versionOf(storage, digest)], [bytes, last], 'the blob');
  });

  test('a blob that was deleted and written again has another version', async ({ storage }) => {
    const seen = new Set<Version>();
    const { digest } = await writeBytes(storage, utf8('text'));
    for (let round = 0; round < 10; round++) {
      const match = await versionOf(storage, digest);
      seen.add(match);
      await storage.deleteBlob(digest, { match });
      await writeBytes(storage, utf8('text'));
      await assertRejects('conflict', () => storage.deleteBlob(digest, { match }), 'a delete at a version from before the delete');
    }
    assertEqual(seen.size, 10, 'different versions');
  });

  test('reading and listing leave all versions as they are', async ({ storage }) => {
    const { digest } = await writeBytes(storage, utf8('text'));
    await storage.write([{ kind: 'put', key: 'a', bytes: utf8('text') }]);
    await storage.append('log', [utf8('text')]);
    const versions = async (): Promise<unknown> => Promise.all((['record', 'log', 'blob'] as const).map((kind) => entriesOfList(storage, { kind })));
    const before = await versions();
    await readBytes(storage, digest);
    await readBytes(storage, digest, { range: { start: 1 } });
    await storage.read(['a']);
    for await (const entry of storage.readLog('log')) assertEqual(entry.bytes, utf8('text'), 'the entry');
    await storage.append('log', []);
    await storage.deleteBlob(absent);
    assertEqual(await versions(), before, 'the lists');
  });
}

/** A collector against a writer, over one instance or, where the store is shared, over two. */
export function blobRaceTests(test: DeclareTest, shared: boolean): void {
  test('a blob that is written anew while its old version is deleted is there afterwards', async (store: TestStore) => {
    const [writer, collector] = [store.storage, shared ? await store.another() : store.storage];
    for (let round = 0; round < 25; round++) {
      const bytes = utf8(`text ${round}`);
      const { digest } = await writeBytes(writer, bytes);
      const match = await versionOf(collector, digest);
      const writing = writeBytes(writer, bytes);
      const deleting = collector.deleteBlob(digest, { match }).catch((error: unknown) => error);
      await writing;
      const outcome = await deleting;
      assert(outcome === undefined || isModelkeepError(outcome, 'conflict'), `A delete at a version ended otherwise: ${String(outcome)}`);
      assertEqual(await readBytes(collector, digest), bytes, `the blob of round ${round}, whose delete ${outcome === undefined ? 'was done' : 'met a conflict'}`);
    }
  });
}

async function versionOf(storage: StorageAdapter, digest: Digest): Promise<Version> {
  const found = (await entriesOfList(storage, { kind: 'blob' })).find(({ key }) => key === digest);
  assert(found !== undefined && typeof found.version === 'string' && found.version !== '', `The blob ${digest} is not listed, or without a version`);
  return found.version;
}
