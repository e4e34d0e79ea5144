import { ValidationError } from './errors.ts';
import { shown } from './shown.ts';

/** Every name that an object of options may have. Written as an object, so that the compiler misses none. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/** Checks that options are an object that has no other names, since a name that was mistyped would pass for one that was left out. Throws `ValidationError`. */
export function checkOptionNames<T extends object>(options: T, names: OptionNames<T>, path: string): void {
  const known = Object.keys(names).join(', ');
  if (typeof options !== 'object' || options === null) throw new ValidationError(`${path} is ${shown(options, 80)}; give an object of some of ${known}.`, { path });
  const stray = Object.keys(options).find((name) => !Object.hasOwn(names, name));
  if (stray !== undefined) throw new ValidationError(`${path} has unknown options: ${stray.slice(0, 80)}; there are ${known}.`, { path: `${path}.${stray}` });
}
