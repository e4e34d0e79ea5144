import type { StorageAdapter } from 'modelkeep';
import { digestOf } from '../../src/core/digest.ts';
import { collectBytes } from '../../src/core/bytes.ts';
import { listAll } from '../../src/storage/records.ts';

/** All that a store holds, as plain data: records without their versions, logs by writer, and the blobs that records name. */
export async function contentsOf(storage: StorageAdapter): Promise<{ records: unknown; logs: unknown; blobs: unknown }> {
  const records: Record<string, unknown> = {};
  const logs: Record<string, Record<string, string[]>> = {};
  const blobs: Record<string, unknown> = {};
  for await (const { key } of listAll(storage, {})) {
    const record = (await storage.read([key]))[0]!;
    records[key] = { bytes: digestOf(record.bytes), blobs: record.blobs };
    for (const blob of record.blobs) blobs[blob] = (await collectBytes((await storage.readBlob(blob))!)).length;
  }
  for await (const { key } of listAll(storage, { kind: 'log' })) {
    // A writer may well be called __proto__.
    logs[key] = Object.create(null) as Record<string, string[]>;
    for await (const { writer, bytes } of storage.readLog(key)) (logs[key][writer] ??= []).push(digestOf(bytes));
  }
  return { records, logs, blobs };
}
