import { decode, encode } from '../core/codec.ts';
import { ValidationError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { ModelVersion } from './model-version.ts';
import type { RegisterVersionOptions } from './registry-options.ts';
import type { Registry } from './registry.ts';

/** What a model of plain data is saved with, besides its file. */
export type SaveJsonOptions = Omit<RegisterVersionOptions, 'files' | 'flavor' | 'flavorData'>;

const modelFile = 'model.json';
const maxDepth = 500;

/**
 * Registers a model that is plain data, or has a `toJSON()` that gives such, as the next version of `name`: those of brain.js, of the `ml-` packages, or an object of one's own.
 *
 * Objects within that have a `toJSON()` are asked too. NaN, ±Infinity, -0, bigints, dates and `Uint8Array`s, which JSON loses, come back from `loadJson` as they were; a model without any of them is
 * plain JSON in its file `model.json`.
 *
 * @throws {ValidationError} with the path of what cannot be kept: other typed arrays, functions, instances without `toJSON()`, cycles.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry, loadJson, saveJson } from 'modelkeep';
 *
 * class Line {
 *   constructor(readonly slope: number, readonly lowest = -Infinity) {}
 *   toJSON() {
 *     return { slope: this.slope, lowest: this.lowest };
 *   }
 * }
 *
 * const registry = new Registry({ storage: new MemoryStorage() });
 * await registry.createModel('line');
 * await saveJson(registry, 'line', new Line(2), { metrics: { r2: 0.9 } });
 * const line = await loadJson(registry, 'line@latest', (json: { slope: number; lowest: number }) => new Line(json.slope, json.lowest));
 * console.log(line.lowest); // -Infinity
 * ```
 */
export async function saveJson(registry: Registry, name: string, model: object, options: SaveJsonOptions = {}): Promise<ModelVersion> {
  if (typeof model !== 'object' || model === null) throw new ValidationError(`model is ${shown(model, 80)}; give an object of plain data, or one with toJSON().`, { path: 'model' });
  return registry.registerVersion(name, { ...options, files: { [modelFile]: encode(plain(model, '', []), 'model') }, flavor: 'json' });
}

/**
 * The model of a version that {@link saveJson} registered, or of any whose `model.json` is JSON, verified before it is read: what `fromJSON` makes of its data.
 *
 * @param ref - A reference to a version, such as `line@production`.
 * @param fromJSON - Makes the model of its data; its parameter says what type that has.
 * @throws {IntegrityError} when the file has changed, or is not JSON.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry, loadJson, saveJson } from 'modelkeep';
 *
 * const registry = new Registry({ storage: new MemoryStorage() });
 * await registry.createModel('thresholds');
 * await saveJson(registry, 'thresholds', { low: 0.2, high: 0.8 });
 * const thresholds = await loadJson(registry, 'thresholds@latest', (json: { low: number; high: number }) => json);
 * console.log(thresholds.high); // 0.8
 * ```
 */
export async function loadJson<Json, Model>(registry: Registry, ref: string, fromJSON: (json: Json) => Model | Promise<Model>, options: OperationOptions = {}): Promise<Model> {
  if (typeof fromJSON !== 'function') throw new ValidationError(`fromJSON is ${shown(fromJSON, 80)}; give a function that makes a model of its data.`, { path: 'fromJSON' });
  const loaded = await registry.load(ref, options);
  const { model, version } = loaded.version;
  return fromJSON(decode(await loaded.file(modelFile, options), `${modelFile} of ${model}@${version}`) as Json);
}

/** What `toJSON()` says of an object and of all within it, as `JSON.stringify` asks; dates and bytes stay what they are. */
function plain(value: unknown, key: string, within: readonly object[]): unknown {
  // Cycles, and what is nested too deep, are refused where it is encoded.
  if (typeof value !== 'object' || value === null || value instanceof Date || ArrayBuffer.isView(value) || within.length > maxDepth || within.includes(value)) return value;
  const inside = [...within, value];
  const { toJSON } = value as { toJSON?: unknown };
  const said: unknown = typeof toJSON === 'function' ? (toJSON as (key: string) => unknown).call(value, key) : value;
  if (said !== value) return plain(said, key, inside);
  if (Array.isArray(value)) return value.map((item, i) => plain(item, String(i), inside));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part, name, inside)]));
}
