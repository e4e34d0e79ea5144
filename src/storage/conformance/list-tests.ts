import { utf8 } from '../../core/bytes.ts';
import type { ListQuery } from '../contract.ts';
import { assert, assertEqual, assertRejects } from './assertions.ts';
import { append, entriesOfList, keysOf, putOk, remove, writeBytes } from './calls.ts';
import type { DeclareTest } from './test-store.ts';

/** In the order of their bytes, which is neither a dictionary's nor that of folders. */
const ordered = ['a', 'a-b', 'a.b', 'a/a', 'a/b', 'a/b/c', 'a0', 'a_b', 'aa', 'ab', 'b', 'z/0', 'z/00', 'z/1', 'z/10', 'z/9'];

/** Lists: order, prefixes, pages, sizes. */
export function listTests(test: DeclareTest): void {
  test('an empty store lists nothing', async ({ storage }) => {
    for (const kind of ['record', 'log', 'blob'] as const) assertEqual(await storage.list({ kind }), { entries: [] }, kind);
    assertEqual(await storage.list(), { entries: [] }, 'the list without a query');
  });

  for (const kind of ['record', 'log'] as const) {
    test(`${kind}s are listed ascending by bytes, by prefix, behind a key, and page by page`, async ({ storage }) => {
      for (const key of [...ordered].reverse()) await (kind === 'record' ? putOk(storage, key, key) : append(storage, key, [key]));
      for (const prefix of ['', 'a', 'a/', 'a/b', 'z/1', 'z/', 'b', 'x', 'a/b/c/d']) {
        const below = ordered.filter((key) => key.startsWith(prefix));
        for (const after of [undefined, '', 'a', 'a/', 'a/b', 'a0', 'aab', 'z/10', 'zz', '!', '~']) {
          const expected = below.filter((key) => after === undefined || key > after);
          for (const limit of [3, Math.max(1, expected.length)]) {
            const query: ListQuery = { kind, prefix, after, limit };
            assertEqual(await keysOf(storage, query), expected, `list ${JSON.stringify(query)}`);
          }
        }
      }
    });
  }

  test('a page says where the next begins, and only if there is one', async ({ storage }) => {
    for (const key of ['a/1', 'a/2', 'a/3', 'b']) await putOk(storage, key, key);
    const pages = await Promise.all([2, 3].map((limit) => storage.list({ prefix: 'a/', limit })));
    assertEqual(pages.map((page) => page.entries.map((entry) => entry.key)), [['a/1', 'a/2'], ['a/1', 'a/2', 'a/3']], 'pages');
    assert(pages[0]!.next !== undefined && pages[1]!.next === undefined, 'A page that is not the last must have a next, and the last must not');
    const rest = await storage.list({ prefix: 'a/', after: pages[0]!.next });
    assertEqual([rest.entries.map((entry) => entry.key), rest.next], [['a/3'], undefined], 'the rest');
  });

  test('more than a page of a thousand is listed without loss', async ({ storage }) => {
    const keys = Array.from({ length: 2345 }, (_, i) => `k/${String(i).padStart(5, '0')}`);
    await storage.write(keys.map((key) => ({ kind: 'put', key, bytes: utf8(key) })));
    assertEqual((await storage.list()).entries.length, 1000, 'entries of a page');
    assertEqual(await keysOf(storage), keys, 'keys of all pages');
  });

  test('records are listed with version and size, and gone when deleted', async ({ storage }) => {
    await putOk(storage, 'a', 'old');
    const a = await putOk(storage, 'a', 'longer');
    const b = await putOk(storage, 'b', '');
    await putOk(storage, 'c', 'text');
    await remove(storage, 'c');
    assertEqual(await entriesOfList(storage), [{ key: 'a', version: a, size: 6 }, { key: 'b', version: b, size: 0 }], 'the list');
  });

  test('logs are listed with their size, a version that changes, and gone when deleted', async ({ storage }) => {
    await append(storage, 'log', ['four', 'six---'], { writer: 'v' });
    const [first] = await entriesOfList(storage, { kind: 'log' });
    assertEqual([first?.key, first?.size], ['log', 10], 'the log');
    await append(storage, 'log', ['', 'x'], { writer: 'w' });
    await append(storage, 'empty', []);
    const [second, ...others] = await entriesOfList(storage, { kind: 'log' });
    assertEqual([second?.size, others], [11, []], 'the log after another append');
    assert(first?.version !== second?.version, 'The version of a log did not change with it');
    const versions = [first?.version, second?.version];
    for (let round = 0; round < 5; round++) {
      await storage.deleteLog('log');
      assertEqual(await keysOf(storage, { kind: 'log' }), [], 'the list after the delete');
      await append(storage, 'log', ['four', 'six---'], { writer: 'v' });
      versions.push((await entriesOfList(storage, { kind: 'log' }))[0]?.version);
    }
    assertEqual(new Set(versions).size, 7, 'different versions of a log that was deleted and begun anew');
  });

  test('blobs are listed by digest, page by page, with their size', async ({ storage }) => {
    const blobs = await Promise.all(Array.from({ length: 20 }, (_, i) => writeBytes(storage, new Uint8Array(i * 100))));
    const expected = blobs.map(({ digest, size }) => ({ key: digest, size })).sort((a, b) => (a.key < b.key ? -1 : 1));
    for (const limit of [1, 7, 20, 21]) {
      const found = await entriesOfList(storage, { kind: 'blob', limit });
      assertEqual(found.map(({ key, size }) => ({ key, size })), expected, `the list with a limit of ${limit}`);
    }
    const after = expected[9]!.key;
    assertEqual(await keysOf(storage, { kind: 'blob', after }), expected.slice(10).map(({ key }) => key), 'the blobs behind the tenth');
    assertEqual([await keysOf(storage), await keysOf(storage, { kind: 'log' })], [[], []], 'records and logs');
  });

  test('a query that makes no sense is refused', async ({ storage }) => {
    const queries = [
      ...[0, -1, 1.5, NaN, Infinity, '5'].map((limit) => ({ limit })),
      ...['..', '../', '/', 'a//', 'A', 'a b', '.a', 5].map((prefix) => ({ prefix })),
      { kind: 'file' },
      { kind: 'blob', prefix: 'sha256:' },
    ];
    for (const query of queries) await assertRejects('validation', () => storage.list(query as ListQuery), `list ${JSON.stringify(query)}`);
  });
}
