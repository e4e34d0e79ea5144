import { alpha, lowerLimit, type Counted } from './counting.ts';

/** One of the tables that `npm run calibrate` makes. */
export interface Part {
  /** By which it is chosen, and by which its place on the page is marked. */
  readonly name: string;
  /** The page that has it. */
  readonly page: string;
  /** Makes its lines. */
  readonly make: (report: Report) => Promise<string>;
}

/** What a part is made with: how much to simulate, and what must be known of all its rates. */
export class Report {
  /** Rates with nothing changed that were held to their level. */
  held = 0;
  /** Those that surely exceed it. */
  readonly exceeding: string[] = [];
  readonly #factor: number;
  #seed: number;

  /** With so many times the usual number of trials, from this seed on. */
  constructor(factor: number, seed: number) {
    this.#factor = factor;
    this.#seed = seed;
  }

  /** So many trials, times the factor. */
  trials(usual: number): number {
    return Math.max(1, Math.round(usual * this.#factor));
  }

  /** A seed of its own for each line of a table. */
  nextSeed(): number {
    return this.#seed++;
  }

  /** Holds rates of trials in which nothing has changed to their level. */
  hold<Name extends string>(counted: Counted<Name>, names: readonly NoInfer<Name>[], what: string, level: number = alpha): void {
    for (const name of names) {
      this.held++;
      if (lowerLimit(counted, name) > level) this.exceeding.push(`${what}: ${name} in ${counted.hits[name]} of ${counted.trials}`);
    }
  }

  /** The cells of a line, which is also printed as it comes. */
  line(...cells: readonly string[]): readonly string[] {
    console.log(cells.join(' | '));
    return cells;
  }
}

/** A table in Markdown. */
export function table(heads: readonly string[], lines: readonly (readonly string[])[]): string {
  return [heads, heads.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** How many rows the sides have. */
export function rowsText(...rows: readonly number[]): string {
  return rows.map((each) => each.toLocaleString('en-US')).join(' and ');
}
