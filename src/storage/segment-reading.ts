import { throwIfAborted } from '../core/abort.ts';
import { concatBytes } from '../core/bytes.ts';
import { IntegrityError } from '../core/errors.ts';
import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { LogEntry, LogQuery, RecordAdapter, StoredRecord } from './contract.ts';
import { decodeHead, headKey, parseSegmentKey, partKey, segmentKey, segmentsOf, type SegmentRef } from './segment-layout.ts';
import { parsePosition, placeText, positionText, type SegmentPlace } from './segment-position.ts';
import { decodeBody, decodeSegment, type Segment } from './segment-record.ts';

const bytesAtOnce = 4 * 1024 * 1024;
const keysAtOnce = 100;

/** The id under which the segments of a log lie, or `undefined` when there is no such log. */
export async function readHead(records: RecordAdapter, log: Key, options?: OperationOptions): Promise<string | undefined> {
  const key = headKey(log);
  const [record] = await records.read([key], options);
  return record && decodeHead(record.bytes, key);
}

/** The segments of a log in the order of their keys, those of each writer from its place on. What is before is skipped, not listed. */
export async function* listSegments(
  records: RecordAdapter,
  id: string,
  places: ReadonlyMap<string, Pick<SegmentPlace, 'first'>>,
  options?: OperationOptions,
): AsyncGenerator<SegmentRef> {
  const prefix = segmentsOf(id);
  let after: string | undefined;
  // A first look that will most likely be skipped need not be long.
  let limit = places.size > 0 ? 10 : 1000;
  for (;;) {
    const page = await records.list({ prefix, after, limit }, options);
    limit = 1000;
    let jump: string | undefined;
    for (const { key, size } of page.entries) {
      const ref = parseSegmentKey(key, size);
      const from = ref && places.get(ref.writer)?.first;
      if (ref && from !== undefined && ref.first < from) {
        jump = segmentKey(id, ref.writer, from - 1);
        break;
      }
      if (ref) yield ref;
    }
    after = jump ?? page.next;
    if (after === undefined) return;
  }
}

/** The records of segments, some at once; `undefined` for one that is not there any more. */
export async function* readSegments(
  records: RecordAdapter,
  refs: readonly SegmentRef[],
  options?: OperationOptions,
): AsyncGenerator<{ readonly ref: SegmentRef; readonly segment: Segment | undefined }> {
  for (let start = 0; start < refs.length; ) {
    let end = start + 1;
    let size = refs[start]!.size;
    while (end < refs.length && end - start < keysAtOnce && (size += refs[end]!.size) <= bytesAtOnce) end++;
    const some = refs.slice(start, end);
    const found = await records.read(some.map(({ key }) => key), options);
    for (const [i, ref] of some.entries()) yield { ref, segment: found[i] && decodeSegment(found[i].bytes, ref.key) };
    start = end;
  }
}

/** The entries of a log as of now, from a position on. */
export async function* readEntries(records: RecordAdapter, log: Key, { after, signal }: LogQuery = {}): AsyncGenerator<LogEntry> {
  const position = parsePosition(after);
  const id = await readHead(records, log, { signal });
  if (id === undefined) return;
  const places = new Map<string, SegmentPlace>(position.id === id ? position.places : []);
  const refs: SegmentRef[] = [];
  for await (const ref of listSegments(records, id, places, { signal })) refs.push(ref);
  for await (const { ref, segment } of readSegments(records, refs, { signal })) {
    const { writer, first } = ref;
    const { first: expected, skip } = places.get(writer) ?? { first: 1, skip: 0 };
    const body = segment && first === expected ? await bodyOf(records, id, segment, { signal }) : undefined;
    if (segment === undefined || body === undefined) {
      // Whoever deletes a log takes its record away first, so that the loss of a segment can be told from its end.
      if ((await readHead(records, log, { signal })) !== id) return;
      const key = segmentKey(id, writer, expected);
      throw new IntegrityError(`The log ${log} has lost the entries of ${writer} from ${expected} on: ${key} is not there whole. Restore it from a copy.`, { key });
    }
    const others = [...places].filter(([other]) => other !== writer).map(([other, place]) => placeText(other, place.first, place.skip));
    const entries = decodeBody(body, segment, ref.key);
    const next = first + entries.length;
    for (let i = skip; i < entries.length; i++) {
      throwIfAborted(signal, `Reading the log ${log}`);
      const place = i + 1 === entries.length ? placeText(writer, next, 0) : placeText(writer, first, i + 1);
      yield { writer, sequence: first + i, bytes: entries[i]!, position: positionText(id, [...others, place]) };
    }
    places.set(writer, { first: next, skip: 0 });
  }
}

/** The body of a segment, from its parts when it has some; `undefined` when one of them is not there. */
async function bodyOf(records: RecordAdapter, id: string, { header, body }: Segment, options: OperationOptions): Promise<Uint8Array | undefined> {
  if (header.parts === undefined) return body;
  const { group, count } = header.parts;
  const parts: StoredRecord[] = [];
  for (let i = 0; i < count; i++) {
    const [part] = await records.read([partKey(id, group, i)], options);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return concatBytes(parts.map(({ bytes }) => bytes));
}
