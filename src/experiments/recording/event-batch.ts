import { concatBytes } from '../../core/bytes.ts';
import type { Column, Int64Column, NumberColumn, StringColumn } from '../../core/column.ts';
import { EncodedTable, uint32At } from '../../core/encoded-table.ts';
import { IntegrityError, UnsupportedError } from '../../core/errors.ts';
import { encodeTable } from '../../core/table-codec.ts';

/** Which writer a batch is of, and its number there from 1: a batch that is met twice counts once. */
export interface BatchOrigin {
  readonly sessionHigh: number;
  readonly sessionLow: number;
  readonly number: number;
}

/** Exposures, row by row. */
export interface ExposureRows {
  readonly units: string[];
  readonly times: number[];
  readonly variants: string[];
  /** Which of the weights of the test each came by, by their place. */
  readonly epochs: number[];
  /** The kept attributes by name, as texts; `undefined` where a unit has none. */
  readonly segments: Readonly<Record<string, (string | undefined)[]>>;
}

/** Values of units, row by row. */
export interface ValueRows {
  readonly units: string[];
  readonly times: number[];
  readonly names: string[];
  readonly values: number[];
  /** Hashes of the ids of events, in two halves; both 0 where one has none. */
  readonly idHigh: number[];
  readonly idLow: number[];
}

/** A batch as it was read. Its columns lie in the bytes of its entry. */
export type ReadBatch = BatchOrigin & { readonly rows: number } & (
    | { readonly kind: 'exposures'; readonly units: StringColumn; readonly times: Float64Array; readonly variants: StringColumn; readonly epochs: Float64Array | undefined; readonly segment: (name: string) => StringColumn | undefined }
    | { readonly kind: 'values'; readonly units: StringColumn; readonly times: Float64Array; readonly names: StringColumn; readonly values: Float64Array; readonly ids: Int32Array }
  );

const format = 1;
const headBytes = 16;
// So that no attribute is mistaken for a column.
const segmentColumn = (name: string): string => `segment:${name}`;

/** The bytes of exposures from row `from` to `to` (excluded). */
export function encodeExposures(origin: BatchOrigin, rows: ExposureRows, from: number, to: number): Uint8Array {
  const columns: Record<string, Column> = { unit: textColumn(rows.units, from, to), at: timeColumn(rows.times, from, to), variant: textColumn(rows.variants, from, to) };
  const epochs = Float64Array.from(rows.epochs.slice(from, to));
  // Of most tests all units came by the first.
  if (epochs.some((epoch) => epoch > 0)) columns['epoch'] = { type: 'float64', values: epochs };
  for (const [name, values] of Object.entries(rows.segments)) columns[segmentColumn(name)] = textColumn(values, from, to);
  return withHead(origin, 0, encodeTable({ rowCount: to - from, columns }));
}

/** The bytes of values from row `from` to `to` (excluded). */
export function encodeValues(origin: BatchOrigin, rows: ValueRows, from: number, to: number): Uint8Array {
  const ids = new Int32Array(2 * (to - from));
  for (let i = from; i < to; i++) {
    ids[2 * (i - from)] = rows.idLow[i]!;
    ids[2 * (i - from) + 1] = rows.idHigh[i]!;
  }
  const columns: Record<string, Column> = {
    unit: textColumn(rows.units, from, to),
    at: timeColumn(rows.times, from, to),
    name: textColumn(rows.names, from, to),
    value: { type: 'float64', values: Float64Array.from(rows.values.slice(from, to)) },
    id: { type: 'int64', values: new BigInt64Array(ids.buffer) },
  };
  return withHead(origin, 1, encodeTable({ rowCount: to - from, columns }));
}

/** Reads what the two others wrote. Throws `IntegrityError`, naming `log`, for other bytes, and `UnsupportedError` for a later form. */
export function readBatch(bytes: Uint8Array, log: string): ReadBatch {
  if (bytes.length < headBytes) throw damaged(log);
  if (bytes[0] !== format) throw new UnsupportedError(`The events in ${log} have the form ${bytes[0]}, which this version of modelkeep does not know; read them with a newer one.`, { key: log });
  const origin = { number: uint32At(bytes, 4), sessionHigh: uint32At(bytes, 8), sessionLow: uint32At(bytes, 12) };
  const table = new EncodedTable(bytes, log, undefined, headBytes);
  const column = <C extends Column>(name: string, type: C['type']): C => {
    const found = table.column(name);
    if (found?.type !== type) throw damaged(log);
    return found as C;
  };
  const texts = (name: string): StringColumn => column(name, 'string');
  const common = { ...origin, rows: table.rowCount, units: texts('unit'), times: column<NumberColumn>('at', 'timestamp').values };
  if (bytes[1] === 0) {
    const segment = (name: string): StringColumn | undefined => (table.typeOf(segmentColumn(name)) === undefined ? undefined : texts(segmentColumn(name)));
    return { ...common, kind: 'exposures', variants: texts('variant'), epochs: table.typeOf('epoch') === undefined ? undefined : column<NumberColumn>('epoch', 'float64').values, segment };
  }
  const ids = column<Int64Column>('id', 'int64').values;
  return { ...common, kind: 'values', names: texts('name'), values: column<NumberColumn>('value', 'float64').values, ids: new Int32Array(ids.buffer, ids.byteOffset, 2 * ids.length) };
}

function withHead({ number, sessionHigh, sessionLow }: BatchOrigin, kind: number, table: Uint8Array): Uint8Array {
  const head = new Uint8Array(headBytes);
  const view = new DataView(head.buffer);
  head[0] = format;
  head[1] = kind;
  view.setUint32(4, number, true);
  view.setUint32(8, sessionHigh, true);
  view.setUint32(12, sessionLow, true);
  return concatBytes([head, table]);
}

function timeColumn(values: readonly number[], from: number, to: number): Column {
  return { type: 'timestamp', values: Float64Array.from(values.slice(from, to)) };
}

function textColumn(values: readonly (string | undefined)[], from: number, to: number): StringColumn {
  const codeOf = new Map<string, number>();
  const codes = new Uint32Array(to - from);
  let valid: Uint8Array | undefined;
  for (let i = from; i < to; i++) {
    const text = values[i];
    if (text === undefined) {
      valid ??= new Uint8Array(to - from).fill(1);
      valid[i - from] = 0;
      continue;
    }
    let code = codeOf.get(text);
    if (code === undefined) codeOf.set(text, (code = codeOf.size));
    codes[i - from] = code;
  }
  return { type: 'string', values: codes, dictionary: [...codeOf.keys()], valid };
}

function damaged(log: string): IntegrityError {
  return new IntegrityError(`Events in ${log} cannot be read: their bytes are not what modelkeep writes.`, { key: log });
}
