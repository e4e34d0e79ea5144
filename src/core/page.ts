/** Part of a list. */
export interface Page<T> {
  /** The items of this part, in the order of the list. */
  readonly items: readonly T[];
  /** Give it as `after` for the next page; absent when there is none. */
  readonly next?: string | undefined;
}

/** Every item of a paged list, page by page. */
export async function* eachItem<T>(fetchPage: (after: string | undefined) => Promise<Page<T>>): AsyncGenerator<T> {
  let after: string | undefined;
  do {
    const page = await fetchPage(after);
    yield* page.items;
    after = page.next;
  } while (after !== undefined);
}
