import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { demandList } from '../arguments.ts';

/** The columns that a test takes: those that were named, each once, or all that it could. What it could not take is refused, `lacks` saying why. */
export function chooseColumns(wanted: readonly string[] | undefined, usable: ReadonlySet<string>, lacks: string): readonly string[] {
  if (wanted === undefined) return [...usable];
  demandList('columns', wanted);
  const named = Array.from(wanted);
  const odd = named.findIndex((name) => !usable.has(name));
  if (odd >= 0) throw new ValidationError(`columns[${odd}] is ${shown(named[odd], 80)}, ${lacks}.`, { path: `columns[${odd}]` });
  return [...new Set(named)];
}
