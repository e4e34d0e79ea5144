import { isWellFormed } from '../core/bytes.ts';
import { ValidationError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import { checkAlias } from './alias.ts';
import type { ExclusiveStage } from './stages.ts';

const maxNameLength = 250;

/** What a reference says after its last `@`. */
export type Selector = { readonly version: number } | { readonly stage: ExclusiveStage } | { readonly alias: string } | 'latest';

/** A reference taken apart. */
export interface ModelReference {
  readonly model: string;
  readonly selector: Selector;
}

const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Whether a text has a character that could break a line or a terminal. */
export function hasControl(text: string): boolean {
  return control.test(text);
}

/**
 * Checks the name of a model and returns it in Unicode's composed form (NFC), so that a name is the same however it was typed. Any text will do that is not
 * empty, has no control character and neither begins nor ends with white space.
 */
export function checkModelName(name: string, path = 'name'): string {
  const problem =
    typeof name !== 'string' ? 'is not a text'
    : name === '' ? 'is empty'
    : name.length > maxNameLength ? `is longer than ${maxNameLength} characters`
    : name !== name.trim() ? 'begins or ends with white space'
    : hasControl(name) ? 'has a control character'
    : !isWellFormed(name) ? 'has a lone surrogate'
    : undefined;
  if (problem === undefined) return name.normalize('NFC');
  throw new ValidationError(`${path}: ${shown(name)} cannot name a model, since it ${problem}.`, { path });
}

/** Takes `name@3`, `name@production`, `name@staging`, `name@latest` or `name@alias` apart. The name may have an `@` of its own: the last one counts. */
export function parseReference(reference: string, path = 'ref'): ModelReference {
  const at = typeof reference === 'string' ? reference.lastIndexOf('@') : -1;
  const selector = at > 0 ? parseSelector(reference.slice(at + 1)) : undefined;
  if (selector !== undefined) return { model: checkModelName(reference.slice(0, at), path), selector };
  throw new ValidationError(
    `${path}: ${shown(reference)} does not point at a version; write the model's name, '@', and a version number, 'production', 'staging', 'latest' or an alias, such as 'fraud@3'.`,
    { path },
  );
}

function parseSelector(text: string): Selector | undefined {
  if (text === 'latest') return text;
  if (text === 'production' || text === 'staging') return { stage: text };
  if (/^[1-9]\d{0,8}$/.test(text)) return { version: Number(text) };
  try {
    return { alias: checkAlias(text) };
  } catch {
    return undefined;
  }
}
