import type { StorageAdapter } from 'modelkeep';
import type { AuditEvent } from '../../src/core/audit.ts';
import { encode } from '../../src/core/codec.ts';
import { readHistory } from '../../src/storage/head-record.ts';
import { readValue } from '../../src/storage/records.ts';

/**
 * Goes on with the history of a head record as it began: its last event of some type is repeated, each time as `next` makes it, until it has so many.
 */
export async function lengthen(storage: StorageAdapter, key: string, type: string, count: number, next: (event: AuditEvent, sequence: number) => AuditEvent = (event) => event): Promise<void> {
  const history = await readHistory({ storage, key });
  let last = history.findLast((event) => event.type === type)!;
  let from = history.length;
  while (from < count) {
    const entries: Uint8Array[] = [];
    for (let i = 0; i < 500 && from < count; i++) {
      from++;
      last = next({ ...last, id: `00000000-0000-7000-8000-${String(from).padStart(12, '0')}`, sequence: from, at: last.at + 1 }, from);
      entries.push(encode(last));
    }
    await storage.append(key, entries);
  }
  const { value } = (await readValue<{ sequence: number }>(storage, key))!;
  await storage.write([{ kind: 'put', key, bytes: encode({ ...value, sequence: count }) }]);
}
