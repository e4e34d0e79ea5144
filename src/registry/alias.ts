import { ValidationError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import { stages } from './stages.ts';

const maxLength = 255;

/**
 * Checks a name that may point at a version in place of its number: letters, digits, `_` and `-`, up to 255 of them, not beginning with `-`. Digits alone would be a number, `v` and digits look like
 * one, and `latest` and the names of stages point at versions by themselves, in any case of their letters.
 */
export function checkAlias(alias: string, path = 'alias'): string {
  const problem =
    typeof alias !== 'string' ? 'is not a text'
    : alias === '' ? 'is empty'
    : alias.length > maxLength ? `is longer than ${maxLength} characters`
    : /^\d+$/.test(alias) ? 'would be a version number'
    : /^v\d+$/i.test(alias) ? 'looks like a version number'
    : alias.toLowerCase() === 'latest' || (stages as readonly string[]).includes(alias.toLowerCase()) ? 'is reserved'
    : alias.startsWith('-') ? "begins with '-'"
    : unfit(alias);
  if (problem === undefined) return alias.normalize('NFC');
  throw new ValidationError(`${path}: ${shown(alias)} cannot be an alias, since it ${problem}; use letters, digits, '_' and '-', such as 'champion'.`, { path });
}

function unfit(alias: string): string | undefined {
  const character = /[^\p{L}\p{M}\p{N}_-]/u.exec(alias)?.[0];
  return character === undefined ? undefined : `has the character ${JSON.stringify(character)}`;
}
