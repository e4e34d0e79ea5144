import type { DamagedItem, Page } from '../index.ts';

/** A page of what a store has of a kind. */
export interface NamedPage extends Page<{ readonly name: string }> {
  readonly damaged: readonly DamagedItem[];
}

/** The names of all that a store has of a kind, those of what cannot be read among them, and how many these are. */
export async function storedNames(pageAfter: (after: string | undefined) => Promise<NamedPage>): Promise<{ readonly names: readonly string[]; readonly damaged: number }> {
  const names: string[] = [];
  let damaged = 0;
  let after: string | undefined;
  do {
    const page = await pageAfter(after);
    names.push(...[...page.items, ...page.damaged].map(({ name }) => name));
    damaged += page.damaged.length;
    after = page.next;
  } while (after !== undefined);
  return { names, damaged };
}
