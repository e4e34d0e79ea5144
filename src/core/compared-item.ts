/** How the values of several things relate: all have one and it is the same, all have one and they differ, or some have none. */
export type Verdict = 'same' | 'different' | 'missing';

/** One fact of several things, such as a param of runs. */
export interface ComparedItem<T> {
  /** What it is called, such as the name of a param. */
  readonly name: string;
  /** How the values relate; `missing` where one has none, whatever the others have. */
  readonly verdict: Verdict;
  /** The value of each, in the order in which they were given; `undefined` where it has none. */
  readonly values: readonly (T | undefined)[];
}

/** Compares the values of one fact. `identityOf` gives the same text for what counts as the same. */
export function comparedItem<T>(name: string, values: readonly (T | undefined)[], identityOf: (value: T) => string): ComparedItem<T> {
  return { name, verdict: verdictOf(values, identityOf), values };
}

/** Compares facts by name: those that any of them has, in the order in which they are met. */
export function comparedItems<T>(byThing: readonly ReadonlyMap<string, T>[], identityOf: (value: T) => string): ComparedItem<T>[] {
  const names = new Set(byThing.flatMap((things) => [...things.keys()]));
  return [...names].map((name) => comparedItem(name, byThing.map((things) => things.get(name)), identityOf));
}

/** How values relate. */
function verdictOf<T>(values: readonly (T | undefined)[], identityOf: (value: T) => string): Verdict {
  const identities = new Set<string>();
  for (const value of values) {
    if (value === undefined) return 'missing';
    identities.add(identityOf(value));
  }
  return identities.size > 1 ? 'different' : 'same';
}
