import { throwIfAborted } from '../../core/abort.ts';
import { toColumn, valueAt, type Column } from '../../core/column.ts';
import { newId } from '../../core/ids.ts';
import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { Table } from '../../core/table.ts';
import { encodeTable } from '../../core/table-codec.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { listAll } from '../../storage/records.ts';
import { decodeHeaded, encodeHeaded } from '../headed-table.ts';
import type { PendingPart, ServedRecord } from './serving-log.ts';
import type { ServedShape } from './served-shape.ts';

/** Rows of one day that were served alike: one record of the log. Columns: `t` moment, `e0…` entities, `a0…` event times by group, `v0…` values and `s0…` statuses by feature, these only where one is not `PRESENT`. */
export interface ServedPart {
  readonly shape: ServedShape;
  readonly table: Table;
}

const format = 'modelkeep.served/1';

/** Records of the log lie under it. */
export const servedPrefix = 'features/served/';

/** The day of a moment in UTC, as keys name it. */
function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** The key of a new part: its query, its day, its first moment, and what tells it from others. */
export function partKey({ request, rows }: PendingPart): Key {
  const { at } = rows[0]!;
  return `${servedPrefix}${request}/${dayOf(at)}/${String(Math.floor(at)).padStart(16, '0')}-${newId()}`;
}

/** The day and the first moment of a part, by its key. */
export function placeOf(key: Key): { readonly day: string; readonly at: number } {
  const [day, name] = key.split('/').slice(-2) as [string, string];
  return { day, at: Number(name.slice(0, 16)) };
}

/** The bytes of a part. Throws `ValidationError` when a value cannot be stored. */
export function encodeServed(shape: ServedShape, rows: readonly ServedRecord[]): Uint8Array {
  const columns: Record<string, Column> = { t: { type: 'timestamp', values: Float64Array.from(rows, ({ at }) => at) } };
  shape.entities.forEach(({ column, type }, e) => (columns[`e${e}`] = toColumn(rows.map(({ entity }) => entity[e]), type, `entities.${column}`)));
  for (let group = 0; group < shape.views.length + shape.onDemand.length; group++) columns[`a${group}`] = toColumn(rows.map(({ times }) => times[group]), 'timestamp', 'times');
  shape.features.forEach(({ ref, type }, f) => {
    columns[`v${f}`] = toColumn(rows.map(({ values }) => values[f]), type, ref);
    if (rows.some(({ statuses }) => statuses[f] !== 'PRESENT')) columns[`s${f}`] = toColumn(rows.map(({ statuses }) => statuses[f]), 'string', ref);
  });
  return encodePart({ shape, table: { rowCount: rows.length, columns } });
}

/** The bytes of a part that was decoded. */
export function encodePart({ shape, table }: ServedPart): Uint8Array {
  return encodeHeaded({ format, shape }, encodeTable(table));
}

/** The part of bytes that {@link encodePart} wrote. Throws `IntegrityError`, naming `key`, when they are not of that form. */
export function decodePart(bytes: Uint8Array, key: string): ServedPart {
  const { head, table } = decodeHeaded<{ readonly shape: ServedShape }>(bytes, key, format);
  return { shape: head.shape, table };
}

/** What names the entity of a view in a row: the values of the key's components, as that version of the view has them. */
export function entityValues({ shape, table }: ServedPart, view: number, row: number): Map<string, unknown> {
  const { entity, keys } = shape.views[view]!;
  return new Map(entity.map((name, k) => [name, valueAt(table.columns[`e${shape.entities.findIndex(({ column }) => column === keys[k])}`]!, row)]));
}

/** Which part of the log is read. */
export interface ServedRange extends OperationOptions {
  /** From this moment on, epoch milliseconds. */
  readonly from: number;
  /** Up to this moment, inclusive. */
  readonly to: number;
}

/** Keys of the parts of a query that may have rows of a range, in order of time. */
export async function servedKeys(storage: StorageAdapter, request: string, { from, to, signal }: ServedRange): Promise<Key[]> {
  const prefix = `${servedPrefix}${request}/`;
  const keys: Key[] = [];
  const first = Number.isFinite(from) ? dayOf(Math.max(0, from)) : '';
  for await (const { key } of listAll(storage, { prefix, after: `${prefix}${first}` }, { signal })) {
    if (placeOf(key).at > to) continue;
    keys.push(key);
  }
  return keys;
}

const partsPerRead = 16;

/** The parts at keys, in that order; those that were taken out meanwhile are left out. */
export async function* readParts(storage: StorageAdapter, keys: readonly Key[], options: OperationOptions): AsyncGenerator<ServedPart> {
  for (let i = 0; i < keys.length; i += partsPerRead) {
    throwIfAborted(options.signal, 'Reading what was served');
    const some = keys.slice(i, i + partsPerRead);
    const records = await storage.read(some, { signal: options.signal });
    for (const [r, record] of records.entries()) if (record) yield decodePart(record.bytes, some[r]!);
  }
}
