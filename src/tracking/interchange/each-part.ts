import { throwIfAborted } from '../../core/abort.ts';
import { isModelkeepError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { ReportBuilder } from './import-report.ts';
import { isImportDamage, type ImportDamage } from './imported-run.ts';

/** Takes in what a stream of a run gives, and tells the report of what could not be read; when the stream breaks off, what came before stays. */
export async function eachPart<T extends object>(
  parts: AsyncIterable<T | ImportDamage>,
  place: { readonly source: string; readonly where: string },
  report: ReportBuilder,
  take: (part: T) => Promise<void>,
  { signal }: OperationOptions,
): Promise<void> {
  const iterator = parts[Symbol.asyncIterator]();
  let ended = false;
  try {
    while (!ended) {
      const next = await iterator.next().catch((error: unknown) => {
        if (!isFault(error)) throw error;
        report.damage({ ...place, message: `It breaks off here: ${error.message}` });
        return { done: true as const, value: undefined };
      });
      ended = next.done === true;
      if (next.done === true) return;
      throwIfAborted(signal, 'Importing runs');
      if (isImportDamage(next.value)) report.damage(next.value);
      else await take(next.value);
    }
  } finally {
    if (!ended) await iterator.return?.();
  }
}

/** Whether an error is about what was read, rather than about the storage. */
export function isFault(error: unknown): error is Error {
  return isModelkeepError(error, 'validation', 'integrity', 'unsupported', 'conflict');
}
