import { listAll } from '../../storage/records.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { logPrefix, windowEnd, windowOf } from './log-keys.ts';

const keysPerWrite = 500;

/** Takes out what was served before a moment, and what came of it. */
export async function pruneLog(storage: StorageAdapter, model: string, before: number): Promise<void> {
  if (before <= 0) return;
  for (const kind of ['predictions', 'feedback'] as const) {
    const prefix = logPrefix(model, kind);
    let keys: string[] = [];
    const remove = async (): Promise<void> => {
      const gone = keys;
      keys = [];
      if (gone.length > 0) await storage.write(gone.map((key) => ({ kind: 'delete', key })));
    };
    // The newest come first: behind this are the windows that ended before.
    for await (const { key } of listAll(storage, { prefix, after: windowEnd(prefix, windowOf(before)) })) {
      keys.push(key);
      if (keys.length >= keysPerWrite) await remove();
    }
    await remove();
  }
}
