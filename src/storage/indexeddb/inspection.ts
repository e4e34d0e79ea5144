import { promisifyRequest } from 'idb-keyval';
import { throwIfAborted } from '../../core/abort.ts';
import type { InspectOptions, StoreFinding } from '../contract.ts';
import { type BlobStore, deadAfterMs, type Manifest } from './blob-store.ts';
import type { Database, StoreOf } from './database.ts';
import { arrayRange, type KeyRanges, parseHead } from './layout.ts';

const pageSize = 500;

/** Looks through the layout: whether what belongs together is there together, and what dead writers left behind. */
export async function* inspect(database: Database, blobs: BlobStore, ranges: KeyRanges, options: InspectOptions): AsyncGenerator<StoreFinding> {
  const { repair = false, graceMs = deadAfterMs, signal, onProgress } = options;
  for (const staging of await blobs.abandoned(graceMs, repair)) {
    const message = repair ? 'These chunks of a blob whose writer died were removed.' : 'These chunks of a blob whose writer died take space; inspect({ repair: true }) removes them.';
    yield { kind: 'leftover', where: `chunks/${staging}`, message, repaired: repair };
  }
  for (const [phase, look] of [['heads of records', recordsOfPage], ['blobs', blobsOfPage], ['logs', logsOfPage]] as const) {
    let after: IDBValidKey = '';
    for (let done = 0; ; ) {
      throwIfAborted(signal, 'Inspecting the store');
      const page: Page = await look(database, ranges, after);
      for (const [where, message] of page.findings) yield { kind: 'damage', where, message, repaired: false };
      done += page.count;
      onProgress?.({ phase, done });
      if (page.last === undefined) break;
      after = page.last;
    }
  }
}

interface Page {
  readonly findings: readonly (readonly [where: string, message: string])[];
  readonly count: number;
  /** The last key of a full page: there may be more behind it. */
  readonly last: IDBValidKey | undefined;
}

function pageOf(keys: readonly IDBValidKey[], findings: Page['findings']): Page {
  return { findings, count: keys.length, last: keys.length === pageSize ? keys[keys.length - 1] : undefined };
}

const nextKeys = (storeOf: StoreOf, name: 'heads' | 'blobs' | 'logs', ranges: KeyRanges, after: IDBValidKey): Promise<IDBValidKey[]> =>
  promisifyRequest(storeOf(name).getAllKeys(ranges.lowerBound(after, true), pageSize));

function recordsOfPage(database: Database, ranges: KeyRanges, after: IDBValidKey): Promise<Page> {
  return database.transact('readonly', ['heads', 'records'], async (storeOf) => {
    const heads = await nextKeys(storeOf, 'heads', ranges, after);
    const keys = heads.map((head) => parseHead(head).key);
    const last = heads.length === pageSize ? keys[keys.length - 1]! : '\uffff';
    const from = after === '' ? '' : parseHead(after).key;
    const records = (await promisifyRequest(storeOf('records').getAllKeys(ranges.bound(from, last, from !== '', false)))) as string[];
    const [listed, stored] = [new Set(keys), new Set(records)];
    return pageOf(heads, [
      ...keys.filter((key) => !stored.has(key)).map((key) => [key, 'The record is listed, but its bytes are gone. Write it again from a copy.'] as const),
      ...records.filter((key) => !listed.has(key)).map((key) => [key, 'The record is there, but no list shows it. Read it and write it again.'] as const),
    ]);
  });
}

function blobsOfPage(database: Database, ranges: KeyRanges, after: IDBValidKey): Promise<Page> {
  return database.transact('readonly', ['blobs', 'chunks'], async (storeOf) => {
    const heads = await nextKeys(storeOf, 'blobs', ranges, after);
    const manifests = await Promise.all(heads.map((head) => promisifyRequest<Manifest>(storeOf('blobs').get(head))));
    const counts = await Promise.all(manifests.map(({ staging }) => promisifyRequest(storeOf('chunks').count(arrayRange(ranges, staging)))));
    const findings = heads.flatMap((head, i) => {
      const { key, size } = parseHead(head);
      const expected = Math.ceil(size / manifests[i]!.chunkBytes);
      return counts[i] === expected ? [] : [[key, `The blob has ${counts[i]} of its ${expected} chunks. Write it again from a copy.`] as const];
    });
    return pageOf(heads, findings);
  });
}

function logsOfPage(database: Database, ranges: KeyRanges, after: IDBValidKey): Promise<Page> {
  return database.transact('readonly', ['logs', 'entries'], async (storeOf) => {
    const heads = await nextKeys(storeOf, 'logs', ranges, after);
    const keys = heads.map((head) => parseHead(head).key);
    const first = await Promise.all(keys.map((key) => promisifyRequest<IDBValidKey | undefined>(storeOf('entries').getKey(arrayRange(ranges, key)))));
    return pageOf(heads, keys.filter((_key, i) => first[i] === undefined).map((key) => [key, 'The log is listed, but its entries are gone. Restore it from a copy.'] as const));
  });
}
