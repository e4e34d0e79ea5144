import { MemoryStorage } from 'modelkeep';

/** Another store that holds the same: for tests that begin from one state many times, which takes far longer to make than to copy. */
export async function copiedMemory(storage: MemoryStorage): Promise<MemoryStorage> {
  const copy = new MemoryStorage();
  const keys = async (kind: 'record' | 'log' | 'blob'): Promise<readonly string[]> => {
    const { entries, next } = await storage.list({ kind });
    if (next !== undefined) throw new Error('more than a page holds');
    return entries.map(({ key }) => key);
  };
  const blobs = await keys('blob');
  for (const digest of blobs) await copy.writeBlob((await storage.readBlob(digest as `sha256:${string}`))!);
  const records = await keys('record');
  const found = await storage.read(records);
  await copy.write(records.map((key, i) => ({ kind: 'put', key, bytes: found[i]!.bytes, blobs: found[i]!.blobs })));
  for (const log of await keys('log')) for await (const { bytes, writer } of storage.readLog(log)) await copy.append(log, [bytes], { writer });
  return copy;
}
