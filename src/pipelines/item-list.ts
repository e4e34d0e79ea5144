import { IntegrityError, ValidationError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { packOutput, unpackOutput } from './output-codec.ts';
import { fetchOutput, storeOutput, type StoredBytes } from './stored-output.ts';

/** As many items a step has at most: each has a record, and an output that who needs them is given with all others. */
const mostItems = 100_000;

/** The items of a step as they were recorded: what a run goes on with, whoever does. */
export interface ItemList {
  readonly stored: StoredBytes;
  readonly values: readonly unknown[];
}

/** The bytes of a list of items. Throws `ValidationError` that names the item and the place in it that cannot be stored. */
export function packItems(step: string, values: readonly unknown[]): Uint8Array {
  return packOutput(values, `over of step '${step}': item`);
}

/** A list as it was packed, stored; a blob is durable when this resolves. */
export async function recordItems(storage: StorageAdapter, step: string, bytes: Uint8Array): Promise<ItemList> {
  return { stored: await storeOutput(storage, bytes), values: unpackOutput(bytes, step) as unknown[] };
}

/** The list that was recorded. Throws `IntegrityError` when it is lost. */
export async function recordedItems(storage: StorageAdapter, step: string, stored: StoredBytes): Promise<ItemList> {
  const values = unpackOutput(await fetchOutput(storage, stored, step), `the items of step ${step}`);
  if (!Array.isArray(values)) throw new IntegrityError(`The items of step '${step}' are no list.`, { key: step });
  return { stored, values };
}

/** A copy of an item, which whoever gets it may change. */
export function copyItem({ values }: ItemList, index: number): unknown {
  const value = values[index];
  if (typeof value !== 'object' || value === null) return value;
  return unpackOutput(packOutput(value), `item ${index}`);
}

/** What `over` gave, as a list. Throws `ValidationError` for what is none, and for too many items. */
export async function collectItems(step: string, given: unknown): Promise<readonly unknown[]> {
  if (Array.isArray(given)) {
    if (given.length > mostItems) throw tooMany(step);
    return Array.from(given as readonly unknown[]);
  }
  if (typeof given !== 'object' || given === null || !(Symbol.asyncIterator in given)) {
    throw new ValidationError(`The over of step '${step}' gave ${shown(given, 80)}, which is no list; give an array or an async iterable of items.`, { path: `step '${step}'.over` });
  }
  const values: unknown[] = [];
  for await (const value of given as AsyncIterable<unknown>) {
    if (values.length === mostItems) throw tooMany(step);
    values.push(value);
  }
  return values;
}

function tooMany(step: string): ValidationError {
  return new ValidationError(`The over of step '${step}' gave more than ${mostItems} items; let each item stand for several.`, { path: `step '${step}'.over`, limit: mostItems });
}
