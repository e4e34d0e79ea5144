import { fromUtf8, utf8 } from '../../core/bytes.ts';
import type { StorageAdapter } from '../contract.ts';
import { update } from '../update.ts';
import { assert, assertEqual, assertRejects } from './assertions.ts';
import { append, entriesOf, entriesOfList, keysOf, put, putOk, readBytes, remove, sortedTexts, textOf, textsByWriter, textsOf, writeBytes } from './calls.ts';
import type { DeclareTest, TestStore } from './test-store.ts';

/** Compare-and-swap by several at once, over one instance or, where the store is shared, over several. */
export function raceTests(test: DeclareTest, shared: boolean): void {
  const workers = async (store: TestStore): Promise<StorageAdapter[]> => {
    const others = shared ? [await store.another(), await store.another(), await store.another()] : Array.from({ length: 3 }, () => store.storage);
    return [store.storage, ...others];
  };

  test('four at once × 25 increments are 100', async (store) => {
    const increment = async (storage: StorageAdapter): Promise<void> => {
      for (let i = 0; i < 25; i++) await update<number>(storage, 'counter', (value = 0) => value + 1, { attempts: 1000 });
    };
    await Promise.all((await workers(store)).map(increment));
    assertEqual(await textOf(store.storage, 'counter'), '100', 'the counter');
  });

  test("of several that put 'absent' at once, one succeeds", async (store) => {
    const all = await workers(store);
    for (let round = 0; round < 25; round++) {
      const results = await Promise.all(all.map((storage, i) => put(storage, `k${round}`, String(i), 'absent')));
      const winners = results.flatMap((result, i) => (result.ok ? [i] : []));
      assertEqual(winners.length, 1, 'winners');
      for (const result of results) assertEqual(result.version, results[winners[0]!]!.version, 'the version that each saw');
      for (const storage of all) assertEqual(await textOf(storage, `k${round}`), String(winners[0]), 'the record');
    }
  });

  test('of several that delete one version at once, one succeeds', async (store) => {
    const all = await workers(store);
    for (let round = 0; round < 25; round++) {
      const version = await putOk(store.storage, 'a', 'text', 'absent');
      const results = await Promise.all(all.map((storage) => remove(storage, 'a', version)));
      assertEqual(results.filter((result) => result.ok).length, 1, 'winners');
    }
  });

  test('readers see whole states, and each key only ever forward', async (store) => {
    const [writer, reader] = (await workers(store)) as [StorageAdapter, StorageAdapter];
    let writing = true;
    let last = -1;
    const write = async (): Promise<void> => {
      for (let i = 0; i < 40; i++) {
        await putOk(writer, 'a', `${String(i).padStart(3, '0')} `.repeat(2000));
        last = i;
      }
      writing = false;
    };
    const watch = async (): Promise<void> => {
      let seen = -1;
      while (writing) {
        const acknowledged = last;
        const text = await textOf(reader, 'a');
        if (text === undefined) {
          assert(acknowledged < 0, 'An acknowledged record is not there');
          continue;
        }
        const state = Number(text.slice(0, 3));
        assertEqual(text, `${text.slice(0, 3)} `.repeat(2000), 'the record');
        assert(state >= seen && state >= acknowledged, `State ${state} was read after ${seen} was seen and ${acknowledged} acknowledged`);
        seen = state;
      }
    };
    await Promise.all([write(), watch()]);
  });
}

/** Several instances over one store. */
export function sharingTests(test: DeclareTest): void {
  test('what one instance wrote, another sees at once', async (store) => {
    const [a, b] = [store.storage, await store.another()];
    const version = await putOk(a, 'k', 'by a');
    assertEqual((await b.read(['k']))[0], { bytes: utf8('by a'), version, blobs: [] }, 'the record');
    assertEqual(await put(b, 'k', 'stale', 'absent'), { ok: false, reason: 'conflict', version }, 'a put of what is there');
    const next = await putOk(b, 'k', 'by b', { match: version });
    assertEqual([await textOf(a, 'k'), (await a.list()).entries.map((entry) => entry.version)], ['by b', [next]], 'the record and the list');
    await remove(a, 'k');
    assertEqual([await textOf(b, 'k'), await keysOf(b)], [undefined, []], 'after the delete');
    const { digest } = await writeBytes(a, utf8('blob'));
    assertEqual(await readBytes(b, digest), utf8('blob'), 'the blob');
    await b.deleteBlob(digest);
    assertEqual(await readBytes(a, digest), undefined, 'the deleted blob');
  });

  test('instances that append at once keep their own sequences and lose nothing', async (store) => {
    const instances = [store.storage, await store.another(), await store.another()];
    await Promise.all(
      instances.map(async (storage, who) => {
        for (let i = 0; i < 30; i++) await append(storage, 'log', [`${who}/${i}`]);
      }),
    );
    for (const storage of instances) {
      const texts = await textsByWriter(storage, 'log');
      assertEqual([...texts.values()].sort(), [0, 1, 2].map((who) => Array.from({ length: 30 }, (_, i) => `${who}/${i}`)).sort(), 'the log');
    }
  });

  test('a reader follows another instance by position without loss or double', async (store) => {
    const [writer, reader] = [store.storage, await store.another()];
    const seen: string[] = [];
    let position: string | undefined;
    for (let round = 0; round < 10; round++) {
      for (const who of ['v', 'w']) await append(writer, 'log', [`${who}${round}`], { writer: who });
      for (const entry of await entriesOf(reader, 'log', { after: position })) {
        seen.push(fromUtf8(entry.bytes));
        position = entry.position;
      }
    }
    assertEqual([...seen].sort(), await sortedTexts(writer, 'log'), 'entries that were followed');
    assertEqual(seen.length, 20, 'how many');
  });

  test('a position is one for every instance, whoever gave it', async (store) => {
    const [a, b] = [store.storage, await store.another()];
    const appended = await append(a, 'log', ['one', 'two'], { writer: 'v' });
    await append(b, 'log', ['three'], { writer: 'w' });
    for (const storage of [a, b]) assertEqual(textsOf(await entriesOf(storage, 'log', { after: appended })), ['three'], 'entries after the position of an append');
    const entries = await entriesOf(a, 'log');
    for (const [i, { position }] of entries.entries()) {
      assertEqual(textsOf(await entriesOf(b, 'log', { after: position })), textsOf(entries.slice(i + 1)), `entries after entry ${i} of another reading`);
    }
  });

  test('instances list logs and blobs alike, and a blob is deleted at the version that another listed', async (store) => {
    const [a, b] = [store.storage, await store.another()];
    const { digest } = await writeBytes(a, utf8('blob'));
    await append(a, 'log', ['by a']);
    await append(b, 'log', ['by b']);
    for (const kind of ['log', 'blob'] as const) assertEqual(await entriesOfList(b, { kind }), await entriesOfList(a, { kind }), `the list of ${kind}s`);
    const [listed] = await entriesOfList(a, { kind: 'blob' });
    await writeBytes(b, utf8('blob'));
    await assertRejects('conflict', () => a.deleteBlob(digest, { match: listed!.version }), 'a delete of a blob that another wrote anew');
    const [again] = await entriesOfList(b, { kind: 'blob' });
    await a.deleteBlob(digest, { match: again!.version });
    assertEqual(await keysOf(b, { kind: 'blob' }), [], 'the blobs');
  });

  test('one named writer may go from instance to instance', async (store) => {
    const [a, b] = [store.storage, await store.another()];
    for (let i = 0; i < 6; i++) await append(i % 2 === 0 ? a : b, 'log', [String(i)], { writer: 'w' });
    for (const storage of [a, b]) assertEqual((await textsByWriter(storage, 'log')).get('w'), ['0', '1', '2', '3', '4', '5'], 'the log');
    await Promise.all([a, b].map(async (storage, who) => {
      for (let i = 0; i < 20; i++) await append(storage, 'busy', [`${who}/${String(i).padStart(2, '0')}`], { writer: 'w' });
    }));
    const texts = (await textsByWriter(b, 'busy')).get('w') ?? [];
    assertEqual(texts.length, 40, 'entries of two instances at once');
    for (const who of ['0/', '1/']) assertEqual(texts.filter((text) => text.startsWith(who)), [...texts].filter((text) => text.startsWith(who)).sort(), 'the order of one');
  });

  test('an instance whose log was deleted by another begins it anew', async (store) => {
    const [a, b] = [store.storage, await store.another()];
    for (const options of [{ writer: 'w' }, {}]) {
      await append(a, 'log', ['old'], options);
      await append(b, 'log', ['old'], options);
      await b.deleteLog('log');
      assertEqual(await entriesOf(a, 'log'), [], 'the deleted log');
      await append(a, 'log', ['new'], options);
      for (const storage of [a, b]) {
        assertEqual((await entriesOf(storage, 'log')).map((entry) => [entry.sequence, fromUtf8(entry.bytes)]), [[1, 'new']], 'the new log');
      }
      await a.deleteLog('log');
    }
  });

  test('closing one instance leaves the others working', async (store) => {
    const other = await store.another();
    await putOk(store.storage, 'a', 'text');
    await append(store.storage, 'log', ['text']);
    await store.storage.close();
    await append(other, 'log', ['more']);
    assertEqual([await textOf(other, 'a'), await sortedTexts(other, 'log'), (await put(other, 'b', 'text')).ok], ['text', ['more', 'text'], true], 'the store');
  });
}
