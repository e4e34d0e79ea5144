import { ValidationError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';

const maxLength = 250;
const foreign = /[^\p{L}\p{M}\p{N}_/.\- :]/u;

/**
 * Returns `name` when it may name a metric, param, tag or artifact, by MLflow's rules: letters, digits, `_`, `-`, `.`, `:`, space and `/`, at most 250
 * characters, and a path that is in its plainest form. Throws `ValidationError`, naming `path` and what is wrong, for anything else.
 */
export function checkName(name: string, path: string): string {
  const fault = faultOf(name);
  if (fault === undefined) return name;
  throw new ValidationError(`${path} is named ${shown(name, 80)}: ${fault}.`, { path, name });
}

function faultOf(name: unknown): string | undefined {
  if (typeof name !== 'string') return 'a name is a text';
  if (name === '') return 'a name must not be empty';
  if (name.length > maxLength) return `a name has at most ${maxLength} characters, this one ${name.length}`;
  const odd = foreign.exec(name);
  if (odd) return `the character ${JSON.stringify(odd[0])} at position ${odd.index} is not allowed; use letters, digits, '_', '-', '.', ':', ' ' and '/'`;
  if (name.startsWith('/') || name.endsWith('/')) return "it must not begin or end with '/'";
  const part = name.split('/').find((each) => each === '' || each === '.' || each === '..');
  if (part === '') return "it must not contain '//'";
  if (part !== undefined) return `'${part}' is not a name between slashes`;
  return undefined;
}
