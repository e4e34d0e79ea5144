import { fromUtf8, utf8 } from '../core/bytes.ts';
import { IntegrityError } from '../core/errors.ts';
import { isId } from '../core/ids.ts';
import { assertKey, type Key } from '../core/key.ts';

/** Where the records of the user lie. */
export const recordsRoot = 'records/';
/** One small record per log, which says under which id its segments lie: with it the log is there, and without it gone. */
export const logsRoot = 'logs/';
/** The segments of logs: records of the entries that were appended together, each under the sequence of its first. */
export const segmentsRoot = 'segments/';
/** What was too large for one segment, in pieces. */
export const partsRoot = 'parts/';

/** A segment, as its key tells it. */
export interface SegmentRef {
  readonly key: Key;
  readonly writer: string;
  /** The sequence of its first entry. */
  readonly first: number;
  /** Bytes of the record. */
  readonly size: number;
}

const digits = 15;

/** The key of the record that says that a log is there. */
export function headKey(log: Key): Key {
  return assertKey(logsRoot + assertKey(log));
}

/** The bytes of the record of a log. */
export function encodeHead(id: string): Uint8Array {
  return utf8(JSON.stringify({ format: 1, id }));
}

/** The id that a log has for as long as it is not deleted. */
export function decodeHead(bytes: Uint8Array, key: Key): string {
  try {
    const { format, id } = JSON.parse(fromUtf8(bytes)) as { format?: unknown; id?: unknown };
    if (format === 1 && typeof id === 'string' && isId(id)) return id;
  } catch {
    // Said below, as for any other text.
  }
  throw new IntegrityError(`The record ${key} does not say where the entries of its log lie. Restore it from a copy, or delete the log.`, { key });
}

/** What the keys of all segments of a log begin with. */
export function segmentsOf(id: string): string {
  return `${segmentsRoot}${id}/`;
}

/** The key of a segment. */
export function segmentKey(id: string, writer: string, first: number): Key {
  return `${segmentsOf(id)}${writer}/${String(first).padStart(digits, '0')}`;
}

/** What the key of a segment says, or `undefined` when it is none. */
export function parseSegmentKey(key: Key, size: number): SegmentRef | undefined {
  const [, , writer = '', first = '', ...more] = key.split('/');
  return more.length === 0 && /^\d{15}$/.test(first) ? { key, writer, first: Number(first), size } : undefined;
}

/** What the keys of the pieces of one segment begin with. */
function partsOf(id: string, group: string): string {
  return `${partsRoot}${id}/${group}/`;
}

/** The key of one piece, counted from 0. */
export function partKey(id: string, group: string, index: number): Key {
  return `${partsOf(id, group)}${String(index).padStart(8, '0')}`;
}
