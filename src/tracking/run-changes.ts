import type { Clock } from '../core/clock.ts';
import { NotFoundError, ValidationError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { update } from '../storage/update.ts';
import { blobsOfRun, type StoredRun, type TagValues } from './run-record.ts';
import { readStoredRun } from './run-start.ts';
import { checkTags, isByName } from './run-values.ts';
import { checkLabel, checkNotes } from './tracker-options.ts';
import { keys } from './tracking-keys.ts';

/** What is to be changed of what people say of a run. */
export interface RunChanges {
  /** `null` takes it away. @default as it was */
  readonly name?: string | null | undefined;
  /** `null` takes it away. @default as it was */
  readonly group?: string | null | undefined;
  /** Markdown; `null` takes them away. @default as they were */
  readonly notes?: string | null | undefined;
  /** Tags to set; the others stay. @default none */
  readonly tags?: TagValues | undefined;
}

const changeable = ['name', 'group', 'notes', 'tags'];

/** Changes a run's record. Throws `NotFoundError` when there is no such run, and `ValidationError` for what is not allowed. */
export async function changeRun(storage: StorageAdapter, clock: Clock, id: string, changes: RunChanges, options: OperationOptions): Promise<StoredRun> {
  if (!isByName(changes)) throw new ValidationError(`changes are ${shown(changes, 80)}; give { name, group, notes, tags }.`, { path: 'changes' });
  const stray = Object.keys(changes).find((name) => !changeable.includes(name));
  if (stray !== undefined) throw new ValidationError(`changes has '${stray}', which cannot be changed; what can is ${changeable.join(', ')}.`, { path: `changes.${stray}` });
  const tags = checkTags(changes.tags ?? {});
  const checked = <T extends string | null | undefined>(text: T, check: (text: string) => string): T | string => (typeof text === 'string' ? check(text) : text);
  const texts = {
    name: checked(changes.name, (name) => checkLabel(name, 'changes.name')),
    group: checked(changes.group, (group) => checkLabel(group, 'changes.group')),
    notes: checked(changes.notes, checkNotes),
  };
  await readStoredRun(storage, id, options);
  const { value } = await update<StoredRun>(
    storage,
    keys.run(id),
    (run) => {
      if (run === undefined) throw new NotFoundError(`Run ${id} is not in the store any more.`, { key: id });
      const changed = { ...run, tags: { ...run.tags, ...tags } } as { -readonly [K in keyof StoredRun]: StoredRun[K] };
      for (const field of ['name', 'group', 'notes'] as const) {
        const text = texts[field];
        if (text === null) delete changed[field];
        else if (text !== undefined) changed[field] = text;
      }
      return changed;
    },
    { clock, blobs: blobsOfRun, ...options },
  );
  return value;
}
