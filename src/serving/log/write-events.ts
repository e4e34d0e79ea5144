import { utf8 } from '../../core/bytes.ts';
import { newId } from '../../core/ids.ts';
import type { PutOperation } from '../../storage/contract.ts';
import type { BufferedEvent } from './event-buffer.ts';
import { batchKey, logPrefix, windowOf, windowSegment } from './log-keys.ts';

/** The writes that store events: a record for those of one window, several where they would be too large for one. Made once for them and repeated as they are, they store each event once. */
export function writesOf(events: readonly BufferedEvent[], model: string, maxRecordBytes: number): PutOperation[] {
  const groups = new Map<string, BufferedEvent[]>();
  for (const event of events) {
    // A shadow may be told of after what came later, and each record has its window.
    const group = `${event.kind} ${event.kind === 'prediction' ? windowOf(event.at) : event.window}`;
    groups.set(group, [...(groups.get(group) ?? []), event]);
  }
  return [...groups.values()].flatMap((group) => recordsOf(group, maxRecordBytes).map((record) => writeOf(record, model)));
}

/** Events that go into records together. */
function recordsOf(events: readonly BufferedEvent[], maxRecordBytes: number): BufferedEvent[][] {
  const records: BufferedEvent[][] = [];
  let room = 0;
  for (const event of events) {
    // A character has at most three bytes in UTF-8.
    const size = event.text.length * 3 + 1;
    if (records.length === 0 || size > room) {
      records.push([]);
      room = maxRecordBytes - 2;
    }
    records.at(-1)!.push(event);
    room -= size;
  }
  return records;
}

function writeOf(events: readonly BufferedEvent[], model: string): PutOperation {
  const { kind, window } = events[0]!;
  const prefix = logPrefix(model, kind === 'prediction' ? 'predictions' : 'feedback');
  const times = events.map(({ at }) => at);
  const key = kind === 'prediction' ? batchKey(prefix, Math.min(...times), Math.max(...times), newId()) : `${prefix}${windowSegment(window)}/${newId()}`;
  return { kind: 'put', key, bytes: utf8(`[${events.map(({ text }) => text).join(',')}]`) };
}
