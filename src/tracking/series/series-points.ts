import type { PackedBatch } from '../metric-batch.ts';

/** Points of one metric, column by column. */
export interface SeriesPoints {
  readonly steps: Float64Array;
  readonly values: Float64Array;
  readonly timestamps: Float64Array;
}

/** Points of one metric in the order of logging, as they were stored. */
export interface SeriesPart {
  readonly steps: Int32Array | Float64Array;
  /** Timestamps, as distances from `since`. */
  readonly times: Uint32Array | Float64Array;
  readonly since: number;
  readonly values: Float64Array;
}

/** Of a point in its narrowest form. */
const pointBytes = 16;

/** Columns for so many points. */
export function emptyPoints(length: number): SeriesPoints {
  return { steps: new Float64Array(length), values: new Float64Array(length), timestamps: new Float64Array(length) };
}

/** A metric's points in a batch, those of steps from `from` to `to`: views of the batch where these are all that it has, else copies. */
export function partOf(batch: PackedBatch, code: number, from: number, to: number): SeriesPart {
  const { codes, steps, times, since, values } = batch.columns();
  if (batch.names.length === 1 && from === -Infinity && to === Infinity) return { steps, times, since, values };
  const rows = new Uint32Array(values.length);
  let count = 0;
  for (let row = 0; row < rows.length; row++) {
    if (codes[row] === code && steps[row]! >= from && steps[row]! <= to) rows[count++] = row;
  }
  const part = { steps: new Float64Array(count), times: new Float64Array(count), since, values: new Float64Array(count) };
  for (let i = 0; i < count; i++) {
    const row = rows[i]!;
    part.steps[i] = steps[row]!;
    part.times[i] = times[row]!;
    part.values[i] = values[row]!;
  }
  return part;
}

/** A part that can be kept: the same where most of the bytes that it keeps alive are its own, else a copy. */
export function keepable(part: SeriesPart): SeriesPart {
  const { values } = part;
  return 2 * pointBytes * values.length >= values.buffer.byteLength ? part : copied(part);
}

/** A part of its own. */
export function copied({ steps, times, since, values }: SeriesPart): SeriesPart {
  return { steps: steps.slice(), times: times.slice(), since, values: values.slice() };
}

/** The points of several parts, one behind the other. */
export function joined(parts: readonly SeriesPart[], total: number): SeriesPoints {
  const all = emptyPoints(total);
  let at = 0;
  for (const { steps, times, since, values } of parts) {
    all.steps.set(steps, at);
    all.values.set(values, at);
    for (let i = 0; i < times.length; i++) all.timestamps[at + i] = since + times[i]!;
    at += steps.length;
  }
  return all;
}
