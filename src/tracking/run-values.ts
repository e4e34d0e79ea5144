import { canonicalJson, storedCopy } from '../core/codec.ts';
import { ConflictError, ValidationError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import { checkName } from './metric-name.ts';
import type { ParamValues, RunRecord, TagValues } from './run-record.ts';

const maxTagLength = 8_000;

/** Whether something may hold values by name. Arrays and maps do not: their names would be positions, or none at all. */
export function isByName(values: unknown): boolean {
  return typeof values === 'object' && values !== null && !(Symbol.iterator in values);
}

/** Checks params where they enter, and copies them: a caller may go on with its object before they are written. */
export function checkParams(values: ParamValues): ParamValues {
  if (!isByName(values)) throw new ValidationError(`params are ${shown(values, 80)}; give an object of values by name.`, { path: 'params' });
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, storedCopy(value, `params.${checkName(name, 'A param')}`)]));
}

/** Checks tags where they enter, and copies them. */
export function checkTags(values: TagValues): TagValues {
  if (!isByName(values)) throw new ValidationError(`tags are ${shown(values, 80)}; give an object of texts by name.`, { path: 'tags' });
  for (const [name, value] of Object.entries(values)) {
    checkName(name, 'A tag');
    if (typeof value !== 'string') throw new ValidationError(`Tag '${name}' is ${shown(value, 80)}; a tag is a text.`, { path: `tags.${name}` });
    if (value.length > maxTagLength) {
      throw new ValidationError(`Tag '${name}' has ${value.length} characters; at most ${maxTagLength} are allowed, log longer texts as an artifact.`, { path: `tags.${name}` });
    }
    canonicalJson(value, `tags.${name}`);
  }
  return { ...values };
}

/** The run with params added. Throws `ConflictError` when one has another value already. */
export function withParams<R extends RunRecord>(run: R, params: ParamValues): R {
  for (const [name, value] of Object.entries(params)) {
    if (!Object.hasOwn(run.params, name)) continue;
    const [before, now] = [canonicalJson(run.params[name]), canonicalJson(value)];
    if (before === now) continue;
    throw new ConflictError(`Param '${name}' of run ${run.id} is ${shown(run.params[name], 80)} already and cannot become ${shown(value, 80)}; params are written once.`, {
      key: name,
      run: run.id,
    });
  }
  const merged = { ...run.params, ...params };
  return Object.keys(merged).length === Object.keys(run.params).length ? run : { ...run, params: merged };
}
