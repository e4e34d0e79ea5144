import { encode } from '../../core/codec.ts';
import { newId } from '../../core/ids.ts';
import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { ReadOptions, Version } from '../../storage/contract.ts';
import { listAll, readValue, readValues, type ValueRecord } from '../../storage/records.ts';
import type { RunStore } from '../run-store.ts';
import { blobsOf } from '../stored-output.ts';
import type { UnitName } from '../units.ts';
import type { TaskRecord } from './task-record.ts';

/** A task as it was found. */
export interface FoundTask extends ValueRecord<TaskRecord> {
  readonly key: Key;
}

// What one answer of a store can hold.
const tasksAtOnce = 1000;

/** Where the tasks of a pipeline are: one record per unit, which each attempt at it takes over from the last. */
export class TaskStore {
  readonly #store: RunStore;

  constructor(store: RunStore) {
    this.#store = store;
  }

  key(run: string, unit: UnitName): Key {
    return this.#store.taskKey(run, unit);
  }

  async read(key: Key, options?: OperationOptions): Promise<FoundTask | undefined> {
    const found = await readValue<TaskRecord>(this.#store.storage, key, fresh(options));
    return found && { key, ...found };
  }

  /** The tasks under these keys, in that order. */
  async readAll(keys: readonly Key[], options?: OperationOptions): Promise<(FoundTask | undefined)[]> {
    const found: (FoundTask | undefined)[] = [];
    for (let from = 0; from < keys.length; from += tasksAtOnce) {
      const some = keys.slice(from, from + tasksAtOnce);
      const records = await readValues<TaskRecord>(this.#store.storage, some, fresh(options));
      found.push(...records.map((record, i) => record && { key: some[i]!, ...record }));
    }
    return found;
  }

  /** The keys of all tasks, or of those of one run. */
  async keys(run?: string, options?: OperationOptions): Promise<Key[]> {
    const prefix = run === undefined ? `${this.#store.root}/tasks/` : `${this.#store.root}/tasks/${run}/`;
    const keys: Key[] = [];
    for await (const { key } of listAll(this.#store.storage, { prefix }, options)) keys.push(key);
    return keys;
  }

  /** Writes a task over what was found, or where nothing was; gives its version, and `undefined` when somebody else was first. */
  async put(key: Key, task: TaskRecord, found: Version | undefined): Promise<Version | undefined> {
    const { storage } = this.#store;
    const { facts, output } = task.end ?? {};
    const blobs = blobsOf([task.states, facts?.list, facts?.held, output?.stored]);
    const condition = found === undefined ? ('absent' as const) : { match: found };
    const [result] = await storage.write([{ kind: 'put', key, bytes: encode(task, key), blobs, condition, operationId: newId() }]);
    return result!.ok ? result!.version : undefined;
  }

  /** Takes tasks away, those of which a version is given only while they are at that. */
  async delete(tasks: readonly { readonly key: Key; readonly version?: Version | undefined }[]): Promise<void> {
    if (tasks.length === 0) return;
    await this.#store.storage.write(tasks.map(({ key, version }) => ({ kind: 'delete', key, condition: version === undefined ? undefined : { match: version }, operationId: newId() })));
  }
}

// A cache that somebody has put before the store must not hide what others did.
function fresh(options: OperationOptions | undefined): ReadOptions {
  return { ...options, fresh: true };
}
