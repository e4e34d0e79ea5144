import { isModelkeepError } from '../../core/errors.ts';
import type { ImportDamage } from './imported-run.ts';

/** What could not be read of a file, as damage; any error that is not about its contents is thrown on. */
export function fileDamage(source: string, where: string, error: unknown): ImportDamage {
  if (!isModelkeepError(error, 'integrity', 'validation', 'unsupported')) throw error;
  const { offset } = error.details;
  return { source, where, ...(typeof offset === 'number' ? { offset } : {}), message: `It is left out: ${error.message}` };
}
