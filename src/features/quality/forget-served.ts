import { throwIfAborted } from '../../core/abort.ts';
import { ConflictError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { listAll } from '../../storage/records.ts';
import { pickRows } from '../batch.ts';
import { keyTexts } from '../key-dictionary.ts';
import { entityPath } from '../online-store.ts';
import { decodePart, encodePart, entityValues, servedPrefix } from './served-format.ts';

const attempts = 100;

/** Takes entities of a view out of the log of what was served, and returns how many rows there were. A row goes as a whole, with what was served of other views. */
export async function forgetServed(storage: StorageAdapter, view: string, entity: readonly string[], paths: ReadonlySet<string>, options: OperationOptions): Promise<number> {
  let dropped = 0;
  for await (const { key } of listAll(storage, { prefix: servedPrefix }, options)) {
    throwIfAborted(options.signal, `Forgetting entities of ${view}`);
    dropped += await dropServed(storage, key, view, (values) => entity.every((name) => values.has(name)) && paths.has(entityPath(keyTexts(entity.map((name) => values.get(name))) ?? [])), options);
  }
  return dropped;
}

/** Takes the rows out of a part whose entity of a view is due, and returns how many there were. The part goes when none is left. */
export async function dropServed(storage: StorageAdapter, key: Key, view: string, isDue: (values: ReadonlyMap<string, unknown>, at: number) => boolean, options: OperationOptions): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const [stored] = await storage.read([key], { ...options, fresh: true });
    if (stored === undefined) return 0;
    const part = decodePart(stored.bytes, key);
    const views = part.shape.views.flatMap(({ name }, v) => (name === view ? [v] : []));
    if (views.length === 0) return 0;
    const { rowCount, columns } = part.table;
    const moments = columns['t']!.values as Float64Array;
    const kept = Array.from({ length: rowCount }, (_, row) => row).filter((row) => !views.some((v) => isDue(entityValues(part, v, row), moments[row]!)));
    if (kept.length === rowCount) return 0;
    const condition = { match: stored.version };
    const bytes = kept.length === 0 ? undefined : encodePart({ ...part, table: pickRows(part.table, Int32Array.from(kept)) });
    const [result] = await storage.write([bytes ? { kind: 'put', key, bytes, condition } : { kind: 'delete', key, condition }], options);
    if (result?.ok) return rowCount - kept.length;
  }
  throw new ConflictError(`${key} was changed by others at each of ${attempts} attempts; try again when it is less busy.`, { key });
}
