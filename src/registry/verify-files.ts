import { IntegrityError, isModelkeepError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { LoadedModel } from './loaded-model.ts';
import { checkStored } from './model-files.ts';
import type { ModelVersion } from './model-version.ts';

/**
 * Throws `IntegrityError`, naming the file, unless all files of a version are in the store with the sizes that were registered and those that are read have the bytes that were
 * registered: the smallest first, up to `budget` bytes in all.
 */
export async function verifyFiles(storage: StorageAdapter, version: ModelVersion, budget: number, options: OperationOptions): Promise<void> {
  const loaded = new LoadedModel(storage, version);
  let left = budget;
  for (const file of [...version.files].sort((a, b) => a.size - b.size)) {
    if (file.size <= left) {
      left -= file.size;
      const chunks = loaded.stream(file.path, options);
      while (!(await chunks.next()).done);
    } else {
      left = 0;
      await checkStored(storage, [file], options).catch((cause: unknown) => {
        if (!isModelkeepError(cause, 'integrity')) throw cause;
        const { model, version: number } = version;
        throw new IntegrityError(`The file "${file.path}" of ${model}@${number} is missing from the store, or is shorter or longer than it was.`, { model, version: number, key: file.digest, path: file.path, cause });
      });
    }
  }
}
