import type { ImportDamage } from '../../tracking/interchange/imported-run.ts';
import { flatNumbers } from '../../tracking/interchange/flat-numbers.ts';
import { metricNumber } from '../../tracking/interchange/metric-number.ts';
import { lenientJson } from '../../tracking/interchange/lenient-json.ts';
import { ProtoReader } from './proto-reader.ts';
import { readItem, recordFields, timeOf } from './wandb-details.ts';

/** One value of a row. */
export type WandbPoint = readonly [name: string, step: number, timestamp: number, value: number];

/** Turns rows of the history, and the samples of the machine's load, into points, those of one session of a run after the other. */
export class WandbRows {
  readonly #passedOver = new Map<string, number>();
  readonly #names = new Set<string>();
  #startedAt = 0;
  #timestamp = 0;
  #step = -1;
  #shift = 0;
  #samples = 0;

  /** Goes on with a session whose first row is at `firstStep`. One that counts from 0 again did not know of those before, and its steps go on behind theirs, as W&B counts when it knows. */
  begin(startedAt: number, firstStep: number): void {
    this.#startedAt = startedAt;
    this.#timestamp = startedAt;
    this.#shift = firstStep === 0 ? this.#step + 1 : 0;
    this.#names.clear();
    this.#passedOver.clear();
  }

  /** The last step of the history; -1 before the first. */
  get lastStep(): number {
    return this.#step;
  }

  /** The time of the last row. */
  get lastTimestamp(): number {
    return this.#timestamp;
  }

  /** Whether a metric has had a value since its session began. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** The points of a record; none when it is no row. Throws `RangeError` when it is no record. */
  points(bytes: Uint8Array): WandbPoint[] {
    const record = new ProtoReader(bytes);
    while (record.next()) {
      if (record.field === recordFields.history) return this.#row(record.message());
      if (record.field === recordFields.stats) return this.#sample(record.message());
    }
    return [];
  }

  /** Says which keys had values since their session began that are no numbers. */
  passedOver(source: string, where: string): ImportDamage[] {
    return [...this.#passedOver].map(([key, rows]) => ({ source, where, message: `'${key}' is no number in ${rows} rows, and is left out there: media and texts are not imported.` }));
  }

  #row(history: ProtoReader): WandbPoint[] {
    let step: number | undefined;
    let timestamp: number | undefined;
    const values: [string, number][] = [];
    while (history.next()) {
      if (history.field === 2) {
        const counter = history.message();
        step ??= 0;
        while (counter.next()) if (counter.field === 1) step = counter.number;
      } else if (history.field === 1) {
        const { path, json } = readItem(history.message());
        const name = path.join('.');
        if (name === '_step') step = metricNumber(json) ?? step;
        else if (name === '_timestamp') timestamp = metricNumber(json);
        else if (name !== '_runtime' && name !== '_wandb' && name !== '') this.#flatten(values, name, lenientJson(json));
      }
    }
    const at = step === undefined ? this.#step + 1 : step + this.#shift;
    if (Number.isSafeInteger(at)) this.#step = at;
    if (timestamp !== undefined && timestamp >= 0 && timestamp < Infinity) this.#timestamp = Math.round(timestamp * 1000);
    return values.map(([name, value]) => this.#point(name, at, this.#timestamp, value));
  }

  #sample(stats: ProtoReader): WandbPoint[] {
    let timestamp = this.#startedAt;
    const values: [string, number][] = [];
    while (stats.next()) {
      if (stats.field === 2) timestamp = timeOf(stats.message());
      else if (stats.field === 3) {
        const { path, json } = readItem(stats.message());
        if (path.length > 0) this.#flatten(values, `system/${path.join('.')}`, lenientJson(json));
      }
    }
    const step = this.#samples++;
    return values.map(([name, value]) => this.#point(name, step, timestamp, value));
  }

  #point(name: string, step: number, timestamp: number, value: number): WandbPoint {
    this.#names.add(name);
    return [name, step, timestamp, value];
  }

  /** Numbers as they are; truth values as 1 and 0; those within an object under `a.b`, as W&B shows them. */
  #flatten(into: [string, number][], name: string, value: unknown): void {
    // Most values are numbers.
    if (typeof value === 'number') return void into.push([name, value]);
    flatNumbers(name, value, {
      separator: '.',
      numberOf,
      take: (key, number) => into.push([key, number]),
      isWhole: (object) => '_type' in object,
      passOver: (key) => this.#passedOver.set(key, (this.#passedOver.get(key) ?? 0) + 1),
    });
  }
}

/** The number that a value is; W&B writes NaN and infinities as words too. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : undefined;
}
