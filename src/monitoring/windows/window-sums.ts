/** Sums by a key, in no particular order. */
export type Sums = readonly (readonly [key: string, sum: number])[];

/** What a window keeps for each kind of judgement, by its name. */
export type SumsByName = Readonly<Record<string, Sums>>;

/** Behind it a key has a name that comes from outside, such as a version: of those there may be any number. */
export const nameMark = '@';

/** So many such names a kind keeps by adding; what comes under others then is added to the key without a name, so that names from outside cannot make a window grow for ever, and no row is lost. */
const namesKept = 100;

/** The sums of two stretches of rows. */
export function addSums(a: SumsByName, b: SumsByName): SumsByName {
  const added: Record<string, Sums> = { ...a };
  for (const [name, sums] of Object.entries(b)) added[name] = a[name] === undefined ? sums : addKeys(a[name], sums);
  return added;
}

function addKeys(a: Sums, b: Sums): Sums {
  const both = new Map(a);
  const names = new Set<string>();
  for (const [key] of a) {
    const name = nameIn(key);
    if (name !== undefined) names.add(name);
  }
  for (const [key, sum] of b) {
    const name = nameIn(key);
    const known = name === undefined || names.has(name) || names.size < namesKept;
    if (name !== undefined && known) names.add(name);
    const kept = known ? key : key.slice(0, key.indexOf(nameMark));
    both.set(kept, (both.get(kept) ?? 0) + sum);
  }
  return [...both];
}

function nameIn(key: string): string | undefined {
  const at = key.indexOf(nameMark);
  return at < 0 ? undefined : key.slice(at + 1);
}
