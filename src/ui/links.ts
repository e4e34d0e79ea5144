/** What stands in the query of a link; what is undefined is left out, and a list comes once for each. */
export type LinkQuery = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** Makes the links between pages. Names stand in queries, for a path loses some of them on the way, such as `..`. */
export class Links {
  readonly #base: string;

  constructor(basePath: string) {
    this.#base = basePath;
  }

  /** The address of a page, such as `to('run', { id })`. */
  to(page: string, query: LinkQuery = {}): string {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value === undefined) continue;
      for (const each of typeof value === 'object' ? value : [String(value)]) search.append(name, each);
    }
    const text = search.toString();
    return `${this.#base}/${page}${text === '' ? '' : `?${text}`}`;
  }
}
