import type { Key, StorageAdapter } from 'modelkeep';
import { fromUtf8, utf8 } from '../../../src/core/bytes.ts';
import { listAll } from '../../../src/storage/records.ts';

/** What a store holds, but for what links keep: records as texts, logs as the entries of each writer, and the blobs that records name. */
export interface Contents {
  readonly records: Readonly<Record<Key, string>>;
  readonly logs: Readonly<Record<Key, Readonly<Record<string, readonly string[]>>>>;
  readonly missingBlobs: readonly string[];
}

export async function contentsOf(storage: StorageAdapter): Promise<Contents> {
  const records: Record<Key, string> = {};
  const logs: Record<Key, Record<string, string[]>> = {};
  const missingBlobs: string[] = [];
  for await (const { key } of listAll(storage, {})) {
    if (key.startsWith('replication/')) continue;
    const [record] = await storage.read([key]);
    records[key] = fromUtf8(record!.bytes);
    for (const digest of record!.blobs) if ((await storage.readBlob(digest)) === undefined) missingBlobs.push(digest);
  }
  for await (const { key } of listAll(storage, { kind: 'log' })) {
    const writers: Record<string, string[]> = {};
    for await (const { writer, sequence, bytes } of storage.readLog(key)) (writers[writer] ??= [])[sequence - 1] = fromUtf8(bytes);
    logs[key] = Object.fromEntries(Object.entries(writers).sort());
  }
  return { records, logs, missingBlobs };
}

export async function put(storage: StorageAdapter, key: Key, text: string): Promise<void> {
  await storage.write([{ kind: 'put', key, bytes: utf8(text) }]);
}

export async function remove(storage: StorageAdapter, key: Key): Promise<void> {
  await storage.write([{ kind: 'delete', key }]);
}

export async function append(storage: StorageAdapter, log: Key, writer: string, ...texts: string[]): Promise<void> {
  await storage.append(log, texts.map((text) => utf8(text)), { writer });
}

/** Writes a blob and a record that names it. */
export async function putWithBlob(storage: StorageAdapter, key: Key, text: string, blob: Uint8Array): Promise<void> {
  const { digest } = await storage.writeBlob(chunks(blob));
  await storage.write([{ kind: 'put', key, bytes: utf8(text), blobs: [digest] }]);
}

export async function* chunks(bytes: Uint8Array, size = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function textAt(storage: StorageAdapter, key: Key): Promise<string | undefined> {
  const [record] = await storage.read([key]);
  return record && fromUtf8(record.bytes);
}
