import { collectBytes, fromUtf8, utf8 } from '../../core/bytes.ts';
import type { Digest } from '../../core/digest.ts';
import type { Key } from '../../core/key.ts';
import type { Random } from '../../core/random.ts';
import type { AppendOptions, BlobRef, ListEntry, ListQuery, LogEntry, LogQuery, ReadBlobOptions, StorageAdapter, WriteCondition, WriteResult } from '../contract.ts';
import { assert } from './assertions.ts';

/** Puts a text and gives the result. */
export async function put(storage: StorageAdapter, key: Key, text: string, condition?: WriteCondition, operationId?: string): Promise<WriteResult> {
  return (await storage.write([{ kind: 'put', key, bytes: utf8(text), condition, operationId }]))[0]!;
}

/** Puts a text, which must succeed, and gives the new version. */
export async function putOk(storage: StorageAdapter, key: Key, text: string, condition?: WriteCondition): Promise<string> {
  const result = await put(storage, key, text, condition);
  assert(result.ok && typeof result.version === 'string' && result.version !== '', `A put of ${key} was refused or got no version`);
  return result.version;
}

/** Deletes a record and gives the result. */
export async function remove(storage: StorageAdapter, key: Key, match?: string, operationId?: string): Promise<WriteResult> {
  return (await storage.write([{ kind: 'delete', key, condition: match === undefined ? undefined : { match }, operationId }]))[0]!;
}

/** The text of a record, or `undefined`. */
export async function textOf(storage: StorageAdapter, key: Key): Promise<string | undefined> {
  const [record] = await storage.read([key]);
  return record && fromUtf8(record.bytes);
}

/** Appends texts. */
export function append(storage: StorageAdapter, log: Key, texts: readonly string[], options?: AppendOptions): Promise<string> {
  return storage.append(log, texts.map(utf8), options);
}

/** All entries of a log, as they are read. */
export async function entriesOf(storage: StorageAdapter, log: Key, query?: LogQuery): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const entry of storage.readLog(log, query)) entries.push(entry);
  return entries;
}

/** The texts of a log by writer; fails when a writer's sequence has a gap or is out of order. */
export async function textsByWriter(storage: StorageAdapter, log: Key): Promise<Map<string, string[]>> {
  const texts = new Map<string, string[]>();
  for (const { writer, sequence, bytes } of await entriesOf(storage, log)) {
    const own = texts.get(writer) ?? [];
    texts.set(writer, own);
    assert(sequence === own.length + 1, `Writer ${writer} of ${log} has sequence ${sequence} where ${own.length + 1} belongs`);
    own.push(fromUtf8(bytes));
  }
  return texts;
}

/** All texts of a log, sorted. */
export async function sortedTexts(storage: StorageAdapter, log: Key): Promise<string[]> {
  return [...(await textsByWriter(storage, log)).values()].flat().sort();
}

/** The texts of entries, sorted. */
export function textsOf(entries: readonly { readonly bytes: Uint8Array }[]): string[] {
  return entries.map(({ bytes }) => fromUtf8(bytes)).sort();
}

/** Stores bytes as a blob, in chunks of the given size. */
export function writeBytes(storage: StorageAdapter, bytes: Uint8Array, chunkSize = 65_536): Promise<BlobRef> {
  return storage.writeBlob(inChunks(bytes, chunkSize));
}

/** The bytes of a blob or of a part of it, or `undefined`. */
export async function readBytes(storage: StorageAdapter, digest: Digest, options?: ReadBlobOptions): Promise<Uint8Array | undefined> {
  const chunks = await storage.readBlob(digest, options);
  return chunks && (await collectBytes(chunks));
}

/** All keys that a list gives, page by page. */
export async function keysOf(storage: StorageAdapter, query: ListQuery = {}): Promise<string[]> {
  return (await entriesOfList(storage, query)).map((entry) => entry.key);
}

/** All lines of a list, page by page. */
export async function entriesOfList(storage: StorageAdapter, query: ListQuery = {}): Promise<ListEntry[]> {
  const entries: ListEntry[] = [];
  let after = query.after;
  do {
    const page = await storage.list({ ...query, after });
    entries.push(...page.entries);
    // Otherwise an adapter that goes in circles would be listed for ever.
    assert(page.next === undefined || after === undefined || page.next > after, `The page behind ${after} says that the next begins behind ${page.next}`);
    after = page.next;
  } while (after !== undefined);
  return entries;
}

/** A stream of the given chunks. */
export async function* streamOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** Bytes as a stream of chunks. */
export async function* inChunks(bytes: Uint8Array, chunkSize: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkSize) yield bytes.subarray(at, at + chunkSize);
}

/** Bytes without a pattern that could hide a mistake in their order. */
export function randomBytes(size: number, random: Random): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = random() * 256;
  return bytes;
}
