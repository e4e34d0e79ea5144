import { MemoryStorage, withPrefix } from 'modelkeep';
import { newId } from '../../src/core/ids.ts';
import type { StorageAdapter } from '../../src/storage/contract.ts';

/** A store in memory that several instances share, each with a writer of its own, as processes share a directory. */
export function sharedMemory(): { readonly open: () => StorageAdapter } {
  const storage = new MemoryStorage();
  const open = (): StorageAdapter => {
    const view = withPrefix(storage, 'shared');
    const own = newId();
    return {
      ...view,
      supports: { ...view.supports, sharedBetweenProcesses: true },
      append: (log, entries, options) => view.append(log, entries, { ...options, writer: options?.writer ?? own }),
    };
  };
  return { open };
}
