import { concatBytes } from '../core/bytes.ts';
import { decode, encode } from '../core/codec.ts';
import { IntegrityError, UnsupportedError } from '../core/errors.ts';

/** Points of metrics in the order of their logging, column by column. */
export interface MetricPoints {
  /** Names of the metrics in these points. */
  readonly names: readonly string[];
  /** Which metric each point belongs to, as an index into `names`. */
  readonly codes: ArrayLike<number>;
  readonly steps: ArrayLike<number>;
  readonly timestamps: ArrayLike<number>;
  readonly values: Float64Array;
}

/** Points as they were read back from one entry of a run's log. */
export interface MetricBatch extends MetricPoints {
  /** Which run handle wrote the batch, and the batch's number there: a batch that is met twice counts once. */
  readonly session: string;
  readonly number: number;
}

interface Header {
  format: number;
  session: string;
  number: number;
  rows: number;
  names: readonly string[];
  /** Bytes of one code. */
  codes: 1 | 2 | 4;
  /** Whether steps are 32-bit integers rather than doubles. */
  shortSteps: boolean;
  /** Base of timestamps that are kept as 32-bit distances from it; absent when they are doubles. */
  since?: number;
}

const format = 1;

/**
 * The points of a batch as bytes: the length of a JSON header, the header, then values, timestamps, steps and codes, little-endian, as narrow as they fit and
 * aligned to 8, so that a usual point takes 17 bytes.
 */
export function encodeBatch(batch: MetricBatch): Uint8Array<ArrayBuffer> {
  const { session, number, names, values } = batch;
  const rows = values.length;
  const codeWidth = names.length <= 0x100 ? 1 : names.length <= 0x1_0000 ? 2 : 4;
  const codes = codeWidth === 1 ? Uint8Array.from(batch.codes) : codeWidth === 2 ? Uint16Array.from(batch.codes) : Uint32Array.from(batch.codes);
  const steps = narrowSteps(batch.steps);
  const times = narrowTimestamps(batch.timestamps);
  const header: Header = { format, session, number, rows, names, codes: codeWidth, shortSteps: steps instanceof Int32Array };
  if (times.since !== undefined) header.since = times.since;
  const head = encode(header);
  const start = align(4 + head.length);
  const prefix = new Uint8Array(start);
  new DataView(prefix.buffer).setUint32(0, head.length, true);
  prefix.set(head, 4);
  return concatBytes([prefix, ...padded(values), ...padded(times.column), ...padded(steps), bytesOf(codes)]);
}

/** The columns of a batch as they lie in its bytes: views, nothing is copied. */
export interface BatchColumns {
  readonly codes: Uint8Array | Uint16Array | Uint32Array;
  readonly steps: Int32Array | Float64Array;
  /** Timestamps, as distances from `since`. */
  readonly times: Uint32Array | Float64Array;
  /** What the distances are from; 0 where `times` are doubles. */
  readonly since: number;
  readonly values: Float64Array;
}

/** A batch whose columns are still bytes. */
export interface PackedBatch extends Pick<MetricBatch, 'session' | 'number' | 'names'> {
  /** Its columns; throws `IntegrityError` when the bytes are not of the form that {@link encodeBatch} gives them. */
  readonly columns: () => BatchColumns;
}

/** What a batch says of itself. Throws `IntegrityError`, naming `log`, when its bytes are not of that form, and `UnsupportedError` for a later form. */
export function openBatch(bytes: Uint8Array, log: string): PackedBatch {
  const header = readHeader(bytes, log);
  const { session, number, names } = header;
  return { session, number, names, columns: () => readColumns(bytes, header, log) };
}

/** The batch of bytes that {@link encodeBatch} wrote. Throws like {@link openBatch}. */
export function decodeBatch(bytes: Uint8Array, log: string): MetricBatch {
  return unpack(openBatch(bytes, log));
}

/** The points of a batch. */
function unpack({ session, number, names, columns }: PackedBatch): MetricBatch {
  const { codes, steps, times, since, values } = columns();
  return { session, number, names, codes, steps, timestamps: times instanceof Float64Array ? times : shifted(times, since), values };
}

function readColumns(bytes: Uint8Array, header: Header & { length: number }, log: string): BatchColumns {
  // Typed arrays need an aligned start, which a slice of a larger buffer may not have.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  try {
    const { rows, since } = header;
    const reader = new ColumnReader(aligned, align(4 + header.length));
    const values = reader.next(Float64Array, rows);
    const times = since === undefined ? reader.next(Float64Array, rows) : reader.next(Uint32Array, rows);
    const steps = header.shortSteps ? reader.next(Int32Array, rows) : reader.next(Float64Array, rows);
    const codes = header.codes === 1 ? reader.next(Uint8Array, rows) : header.codes === 2 ? reader.next(Uint16Array, rows) : reader.next(Uint32Array, rows);
    return { codes, steps, times, since: since ?? 0, values };
  } catch (cause) {
    throw damaged(log, cause);
  }
}

function readHeader(bytes: Uint8Array, log: string): Header & { length: number } {
  if (bytes.length < 4) throw damaged(log, undefined);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = decode(bytes.subarray(4, 4 + length), log) as Header;
  if (header.format !== format) {
    throw new UnsupportedError(`The metrics in ${log} have the form ${header.format}, which this version of modelkeep does not know; read them with a newer one.`, { key: log });
  }
  return { ...header, length };
}

function narrowSteps(steps: ArrayLike<number>): Int32Array | Float64Array {
  for (let i = 0; i < steps.length; i++) if ((steps[i]! | 0) !== steps[i]) return Float64Array.from(steps);
  return Int32Array.from(steps);
}

function narrowTimestamps(timestamps: ArrayLike<number>): { column: Uint32Array | Float64Array; since?: number } {
  let least = Infinity;
  for (let i = 0; i < timestamps.length; i++) if (timestamps[i]! < least) least = timestamps[i]!;
  const distances = new Uint32Array(timestamps.length);
  for (let i = 0; i < timestamps.length; i++) {
    distances[i] = timestamps[i]! - least;
    if (least + distances[i]! !== timestamps[i]) return { column: Float64Array.from(timestamps) };
  }
  return { column: distances, since: least };
}

function shifted(distances: Uint32Array, base: number): Float64Array {
  const timestamps = new Float64Array(distances.length);
  for (let i = 0; i < distances.length; i++) timestamps[i] = base + distances[i]!;
  return timestamps;
}

class ColumnReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  next<A>(type: { new (buffer: ArrayBufferLike, offset: number, length: number): A; readonly BYTES_PER_ELEMENT: number }, rows: number): A {
    const from = this.#at;
    const end = from + rows * type.BYTES_PER_ELEMENT;
    this.#at = align(end);
    if (end > this.#bytes.length) throw new RangeError('The batch ends too early.');
    return new type(this.#bytes.buffer, this.#bytes.byteOffset + from, rows);
  }
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function padded(array: ArrayBufferView): Uint8Array[] {
  return [bytesOf(array), new Uint8Array(align(array.byteLength) - array.byteLength)];
}

function align(at: number): number {
  return Math.ceil(at / 8) * 8;
}

function damaged(log: string, cause: unknown): IntegrityError {
  return new IntegrityError(`Metrics in ${log} cannot be read: their bytes are not what modelkeep writes.`, { key: log, cause });
}
