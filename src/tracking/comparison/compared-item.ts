/** How the values of several runs relate: all have one and it is the same, all have one and they differ, or some have none. */
export type Verdict = 'same' | 'different' | 'missing';

/** One thing in several runs. */
export interface ComparedItem<T> {
  /** What it is called, such as the name of a param. */
  readonly name: string;
  /** How the values relate; `missing` where a run has none, whatever the others have. */
  readonly verdict: Verdict;
  /** The value of each run, in the order of the runs; `undefined` where it has none. */
  readonly values: readonly (T | undefined)[];
}

/** Compares the values of one thing. `identityOf` gives the same text for what counts as the same. */
export function comparedItem<T>(name: string, values: readonly (T | undefined)[], identityOf: (value: T) => string): ComparedItem<T> {
  return { name, verdict: verdictOf(values, identityOf), values };
}

/** Compares things by name: those that any run has, in the order in which they are met. */
export function comparedItems<T>(byRun: readonly ReadonlyMap<string, T>[], identityOf: (value: T) => string): ComparedItem<T>[] {
  const names = new Set(byRun.flatMap((things) => [...things.keys()]));
  return [...names].map((name) => comparedItem(name, byRun.map((things) => things.get(name)), identityOf));
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
