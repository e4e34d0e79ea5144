import { throwIfAborted } from '../../core/abort.ts';
import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { LogPosition, StorageAdapter } from '../../storage/contract.ts';
import type { ExperimentDefinition } from '../experiment-definition.ts';
import { readBatch } from '../recording/event-batch.ts';
import type { AllocationColumn, UnitTable } from '../unit-table.ts';
import { metricColumns, namesOf } from './metric-columns.ts';
import { crossed, UnitExposures } from './unit-exposures.ts';
import { orderUnits, orderValues } from './unit-order.ts';
import { UnitValues } from './unit-values.ts';

/** What a fold reads. */
export interface UnitFoldParts {
  readonly storage: StorageAdapter;
  readonly log: Key;
  readonly definition: Pick<ExperimentDefinition, 'variants' | 'metrics' | 'segments'>;
}

/** Reads the events of a test once, goes on from there later, and makes a table of what is known. */
export class UnitFold {
  readonly #parts: UnitFoldParts;
  readonly #exposures: UnitExposures;
  readonly #values: UnitValues;
  readonly #names: readonly string[];
  /** The last batch of each writer that was taken in. */
  readonly #taken = new Map<string, number>();
  #position: LogPosition | undefined;

  constructor(parts: UnitFoldParts) {
    const { variants, metrics, segments } = parts.definition;
    this.#parts = parts;
    this.#names = [...new Set(metrics.flatMap(namesOf))];
    this.#exposures = new UnitExposures(variants.map(({ name }) => name), segments);
    this.#values = new UnitValues(this.#names, this.#exposures);
  }

  /** Reads what has come since. */
  async read({ signal }: OperationOptions = {}): Promise<void> {
    const { storage, log } = this.#parts;
    for await (const { bytes, position } of storage.readLog(log, { after: this.#position, transient: true, signal })) {
      throwIfAborted(signal, 'Reading the events of a test');
      this.#take(bytes);
      this.#position = position;
    }
  }

  /** What the units came to, as of `now`, epoch milliseconds, by weights that were these one after the other. */
  table(now: number, weights: AllocationColumn['weights']): UnitTable {
    const { index, variants, epochs, firstAt, strange, segments } = this.#exposures;
    const units = orderUnits(this.#exposures);
    const ordered = orderValues(units, index.size, this.#values);
    const exposedAt = pick(firstAt, units, new Float64Array(units.length));
    const by = { ...ordered, exposedAt, times: this.#values.times, values: this.#values.values, names: this.#values.names, nameOf: (name: string) => this.#names.indexOf(name), now };
    return {
      units: units.length,
      variant: pick(variants, units, new Uint16Array(units.length)),
      exposedAt,
      metrics: Object.fromEntries(this.#parts.definition.metrics.map((metric) => [metric.name, metricColumns(metric, by)])),
      segments: Object.fromEntries([...segments].map(([name, { texts, codes }]) => [name, segmentColumn(texts, pick(codes, units, new Int32Array(units.length)))])),
      crossed: count(variants, index.size, crossed),
      unknown: count(strange, index.size, 1),
      ...(weights.length > 1 && { allocation: { weights, epoch: knownEpochs(pick(epochs, units, new Uint16Array(units.length)), weights.length) } }),
    };
  }

  #take(bytes: Uint8Array): void {
    const batch = readBatch(bytes, this.#parts.log);
    const writer = `${batch.sessionHigh} ${batch.sessionLow}`;
    if (batch.number <= (this.#taken.get(writer) ?? 0)) return;
    if (batch.kind === 'exposures') this.#exposures.add(batch);
    else this.#values.add(batch);
    this.#taken.set(writer, batch.number);
  }
}

function pick<A extends Float64Array | Int32Array | Uint16Array>(from: A, places: Uint32Array, into: A): A {
  for (let i = 0; i < places.length; i++) into[i] = from[places[i]!]!;
  return into;
}

/** Units may have come by weights that this process has not heard of yet: the last that it knows stand for these. */
function knownEpochs(epochs: Uint16Array, known: number): Uint16Array {
  for (let i = 0; i < epochs.length; i++) if (epochs[i]! >= known) epochs[i] = known - 1;
  return epochs;
}

function count(from: Uint16Array | Uint8Array, size: number, wanted: number): number {
  let found = 0;
  for (let i = 0; i < size; i++) if (from[i] === wanted) found++;
  return found;
}

/** The values that occur, in their order, and the codes of units among these. */
function segmentColumn(texts: readonly string[], codes: Int32Array): { values: string[]; codes: Int32Array } {
  const present = new Uint8Array(texts.length);
  for (let i = 0; i < codes.length; i++) if (codes[i]! >= 0) present[codes[i]!] = 1;
  const values = texts.filter((_, code) => present[code] === 1).sort();
  const placeOf = new Map(values.map((text, i) => [text, i]));
  const renamed = Int32Array.from(texts, (text) => placeOf.get(text) ?? -1);
  return { values, codes: codes.map((code) => (code < 0 ? -1 : renamed[code]!)) };
}
