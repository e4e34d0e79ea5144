import { isWellFormed } from '../../core/bytes.ts';
import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';

/** A dataset by name, and which version of it. */
export interface DatasetRef {
  readonly name: string;
  /** Absent for the newest, or for all. */
  readonly version: number | undefined;
}

/** A name under which datasets are saved. Throws `ValidationError` when it cannot be one. */
export function checkDatasetName(name: unknown): string {
  if (typeof name === 'string' && name !== '' && name.length <= 500 && !name.includes('@') && isWellFormed(name)) return name;
  throw new ValidationError(`The name of the dataset is ${shown(name, 80)}; give a text of up to 500 characters without '@'.`, { path: 'name' });
}

/** `flights` for the newest version of a dataset, `flights@2` for that one. Throws `ValidationError` when it is neither. */
export function parseDatasetRef(ref: unknown): DatasetRef {
  const match = typeof ref === 'string' ? /^([^@]+)(?:@([1-9][0-9]{0,14}))?$/.exec(ref) : null;
  if (match === null) throw new ValidationError(`ref is ${shown(ref, 80)}; name a dataset as 'flights', or a version of it as 'flights@2'.`, { path: 'ref' });
  return { name: checkDatasetName(match[1]), version: match[2] === undefined ? undefined : Number(match[2]) };
}
