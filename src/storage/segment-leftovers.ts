import { systemClock } from '../core/clock.ts';
import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { InspectOptions, RecordAdapter, StoreFinding } from './contract.ts';
import { listAll } from './records.ts';
import { decodeHead, logsRoot, partsRoot, segmentsOf, segmentsRoot } from './segment-layout.ts';
import { listSegments, readSegments } from './segment-reading.ts';

const dayMs = 86_400_000;
const keysAtOnce = 500;

/** Removes all that lies under the id of a log that is deleted. */
export async function removeSegments(records: RecordAdapter, id: string, options?: OperationOptions): Promise<void> {
  for (const prefix of [segmentsOf(id), `${partsRoot}${id}/`]) {
    const keys: Key[] = [];
    for await (const { key } of listAll(records, { prefix }, options)) keys.push(key);
    await removeAll(records, keys, options);
  }
}

async function removeAll(records: RecordAdapter, keys: readonly Key[], options?: OperationOptions): Promise<void> {
  for (let at = 0; at < keys.length; at += keysAtOnce) {
    await records.write(keys.slice(at, at + keysAtOnce).map((key) => ({ kind: 'delete', key })), options);
  }
}

/** What processes that died left among the segments: those of logs that were deleted, and pieces that no segment names. */
export async function* segmentLeftovers(records: RecordAdapter, options: InspectOptions = {}): AsyncGenerator<StoreFinding> {
  const { repair = false, graceMs = dayMs, signal } = options;
  // Looked at before the logs: what belongs to one that begins meanwhile is not seen, and what is seen belonged to one that had begun.
  const ids = new Set<string>();
  for (const root of [segmentsRoot, partsRoot]) for await (const id of idsUnder(records, root, { signal })) ids.add(id);
  const living = new Set<string>();
  for await (const { key } of listAll(records, { prefix: logsRoot }, { signal })) {
    const [record] = await records.read([key], { signal });
    if (record) living.add(decodeHead(record.bytes, key));
  }
  for (const id of ids) {
    if (living.has(id)) yield* partsLeftover(records, id, { repair, graceMs, signal });
    // One that begins now writes its pieces before it has a record.
    else if (systemClock.now() - timeOf(id) >= graceMs) {
      if (repair) await removeSegments(records, id, { signal });
      yield { kind: 'leftover', where: segmentsOf(id), message: 'Entries of a log that was deleted; they take space and are not read any more.', repaired: repair };
    }
  }
}

/** Pieces of appends that were cut off before their segment was put. */
async function* partsLeftover(records: RecordAdapter, id: string, { repair, graceMs = dayMs, signal }: InspectOptions): AsyncGenerator<StoreFinding> {
  const groups = new Map<string, Key[]>();
  for await (const { key } of listAll(records, { prefix: `${partsRoot}${id}/` }, { signal })) {
    const group = key.split('/')[2] ?? '';
    groups.set(group, [...(groups.get(group) ?? []), key]);
  }
  for (const group of groups.keys()) if (systemClock.now() - timeOf(group) < graceMs) groups.delete(group);
  if (groups.size === 0) return;
  const refs = [];
  for await (const ref of listSegments(records, id, new Map(), { signal })) refs.push(ref);
  for await (const { segment } of readSegments(records, refs, { signal })) groups.delete(segment?.header.parts?.group ?? '');
  for (const [group, keys] of groups) {
    if (repair) await removeAll(records, keys, { signal });
    yield { kind: 'leftover', where: `${partsRoot}${id}/${group}/`, message: 'Pieces of an append that was cut off before it took effect.', repaired: repair === true };
  }
}

/** The ids that keys below a root begin with, found by stepping from one to the next. */
async function* idsUnder(records: RecordAdapter, root: string, options: OperationOptions): AsyncGenerator<string> {
  let after: string | undefined;
  for (;;) {
    const { entries } = await records.list({ prefix: root, after, limit: 1 }, options);
    const id = entries[0]?.key.split('/')[1];
    if (id === undefined) return;
    yield id;
    // The character behind the slash: greater than every key of this id.
    after = `${root}${id}0`;
  }
}

/** When a UUIDv7 was made, in epoch milliseconds; for any other text, long ago. */
function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) || 0;
}
