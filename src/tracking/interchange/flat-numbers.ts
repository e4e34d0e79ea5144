import { isObject } from './run-facts.ts';

const deepest = 64;

/** How the numbers within nested values are found and called. */
export interface FlatNumberRules {
  /** What stands between the names of an object and of what is in it. */
  readonly separator: string;
  /** The number that a value is, if it is one. */
  readonly numberOf: (value: unknown) => number | undefined;
  /** Is told each number. */
  readonly take: (name: string, value: number) => void;
  /** Whether an object is one value, rather than several by name. @default none is */
  readonly isWhole?: ((value: Readonly<Record<string, unknown>>) => boolean) | undefined;
  /** Is told each name whose value is neither a number, an object of values nor null. */
  readonly passOver?: ((name: string) => void) | undefined;
}

/** Tells each number of a value by the path of names that leads to it; what is nested more than 64 deep is passed over. */
export function flatNumbers(name: string, value: unknown, rules: FlatNumberRules, depth: number = 0): void {
  const number = rules.numberOf(value);
  if (number !== undefined) rules.take(name, number);
  else if (isObject(value) && depth < deepest && rules.isWhole?.(value) !== true) {
    for (const [key, part] of Object.entries(value)) flatNumbers(name === '' ? key : `${name}${rules.separator}${key}`, part, rules, depth + 1);
  } else if (value !== null) rules.passOver?.(name);
}
