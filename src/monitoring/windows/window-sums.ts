/** Sums by a key, in no particular order. */
export type Sums = readonly (readonly [key: string, sum: number])[];

/** What a window keeps for each kind of judgement, by its name. */
export type SumsByName = Readonly<Record<string, Sums>>;

/** So many keys a kind keeps by adding; what comes under others then is left out, so that names from outside cannot make a window grow for ever. */
const keysKept = 4096;

/** The sums of two stretches of rows. */
export function addSums(a: SumsByName, b: SumsByName): SumsByName {
  const added: Record<string, Sums> = { ...a };
  for (const [name, sums] of Object.entries(b)) {
    const before = a[name];
    if (before === undefined) {
      added[name] = sums;
      continue;
    }
    const both = new Map(before);
    for (const [key, sum] of sums) {
      const known = both.get(key);
      if (known !== undefined || both.size < keysKept) both.set(key, (known ?? 0) + sum);
    }
    added[name] = [...both];
  }
  return added;
}
