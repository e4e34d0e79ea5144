import { digestOf } from '../../core/digest.ts';
import { ValidationError } from '../../core/errors.ts';
import { isId } from '../../core/ids.ts';
import { shown } from '../../core/shown.ts';

/** What the identity of a run begins with that modelkeep itself exported: the id follows. */
export const ownSource = 'modelkeep:';

const latestMs = 2 ** 48;

/**
 * The id of a run that is imported: a UUIDv7 with the time of its start, whose random bits are those of a digest of its identity, so that it is the same at every import. A run that modelkeep exported keeps its id. Throws
 * `ValidationError` for a start that is no time.
 */
export function importedId({ source, startedAt }: { readonly source: string; readonly startedAt: number }): string {
  if (source.startsWith(ownSource) && isId(source.slice(ownSource.length))) return source.slice(ownSource.length);
  if (!(startedAt >= 0 && startedAt < latestMs)) throw new ValidationError(`startedAt of ${shown(source, 80)} is ${shown(startedAt)}; give epoch milliseconds.`, { path: 'startedAt' });
  const hex = digestOf(source).slice('sha256:'.length);
  const time = Math.floor(startedAt).toString(16).padStart(12, '0');
  const variant = ((parseInt(hex[3]!, 16) & 3) | 8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex.slice(0, 3)}-${variant}${hex.slice(4, 7)}-${hex.slice(7, 19)}`;
}

/** The time of the making of a UUIDv7, in epoch milliseconds. */
export function idTime(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
