import { newId } from '../../core/ids.ts';
import { ValueHasher } from '../../stats/sketches/hash-value.ts';
import { encodeExposures, encodeValues, type ExposureRows, type ValueRows } from './event-batch.ts';

/** A batch that waits for its writing. */
export interface SealedEvents {
  readonly bytes: Uint8Array;
  readonly rows: number;
}

type Encode = (from: number, to: number, number: number) => Uint8Array;

/** Exposures and values that are not sealed into batches yet. Taking one costs a push for each of its fields. */
export class EventBuffer {
  readonly #segments: readonly string[];
  readonly #maxEntryBytes: number;
  readonly #session: { readonly sessionHigh: number; readonly sessionLow: number };
  #exposures: ExposureRows;
  #values: ValueRows = noValues();
  #batches = 0;

  constructor(segments: readonly string[], maxEntryBytes: number) {
    this.#segments = segments;
    this.#maxEntryBytes = maxEntryBytes;
    const hasher = new ValueHasher();
    hasher.hash(newId());
    this.#session = { sessionHigh: hasher.high >>> 0, sessionLow: hasher.low >>> 0 };
    this.#exposures = noExposures(segments);
  }

  /** Rows that are not sealed yet. */
  get rows(): number {
    return this.#exposures.units.length + this.#values.units.length;
  }

  /** Takes an exposure; `segments` are the texts of the kept attributes, in their order. */
  expose(unit: string, at: number, variant: string, epoch: number, segments: readonly (string | undefined)[]): void {
    const rows = this.#exposures;
    rows.units.push(unit);
    rows.times.push(at);
    rows.variants.push(variant);
    rows.epochs.push(epoch);
    for (let i = 0; i < this.#segments.length; i++) rows.segments[this.#segments[i]!]!.push(segments[i]);
  }

  /** Takes a value. */
  record(unit: string, at: number, name: string, value: number, idHigh: number, idLow: number): void {
    const rows = this.#values;
    rows.units.push(unit);
    rows.times.push(at);
    rows.names.push(name);
    rows.values.push(value);
    rows.idHigh.push(idHigh);
    rows.idLow.push(idLow);
  }

  /** Makes batches of all that was taken. */
  seal(): SealedEvents[] {
    const sealed: SealedEvents[] = [];
    const [exposures, values] = [this.#exposures, this.#values];
    if (exposures.units.length > 0) this.#encode((from, to, number) => encodeExposures({ ...this.#session, number }, exposures, from, to), 0, exposures.units.length, sealed);
    if (values.units.length > 0) this.#encode((from, to, number) => encodeValues({ ...this.#session, number }, values, from, to), 0, values.units.length, sealed);
    this.#exposures = noExposures(this.#segments);
    this.#values = noValues();
    return sealed;
  }

  /** A batch that is too large for one entry becomes two, and so on; a single row always fits. */
  #encode(encode: Encode, from: number, to: number, into: SealedEvents[]): void {
    const bytes = encode(from, to, this.#batches + 1);
    if (bytes.length > this.#maxEntryBytes && to - from > 1) {
      const middle = (from + to) >>> 1;
      this.#encode(encode, from, middle, into);
      this.#encode(encode, middle, to, into);
      return;
    }
    this.#batches++;
    into.push({ bytes, rows: to - from });
  }
}

function noExposures(segments: readonly string[]): ExposureRows {
  return { units: [], times: [], variants: [], epochs: [], segments: Object.fromEntries(segments.map((name) => [name, []])) };
}

function noValues(): ValueRows {
  return { units: [], times: [], names: [], values: [], idHigh: [], idLow: [] };
}
