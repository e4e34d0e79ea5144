import { ValidationError } from '../../core/errors.ts';

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Throws `ValidationError` when a text cannot name a definition or a feature, which stand in references such as `view:feature` and in columns such as `view__feature`. */
export function checkName(name: string, what: string, path: string): void {
  if (namePattern.test(name) && !name.includes('__')) return;
  throw new ValidationError(`${JSON.stringify(name)} cannot name ${what}: use letters, digits and _, begin with no digit, and leave out __.`, { path });
}
