import { collectBytes } from '../../core/bytes.ts';
import { IntegrityError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { SourceDirectory } from './source-directory.ts';

const longestText = 1 << 24;

/** The text of a small file; `undefined` when there is none. Rejects with `IntegrityError` when it has more than 16 MB or is not UTF-8. */
export async function readText(directory: SourceDirectory, path: string, options: OperationOptions): Promise<string | undefined> {
  const size = await directory.size(path, options);
  if (size === undefined) return undefined;
  if (size > longestText) throw new IntegrityError(`${path} has ${size} bytes, far more than a file of its kind.`, { key: path });
  const bytes = await collectBytes(directory.open(path, options));
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new IntegrityError(`${path} is not UTF-8.`, { key: path, cause });
  }
}
