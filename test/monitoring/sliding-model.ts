import { compareData, profileData, type DataProfile, type DriftVerdict } from 'modelkeep';
import { expect } from 'vitest';

/** A row as a model is asked with it. */
export interface Row {
  readonly x: number;
  readonly c: string;
}

export const reference: DataProfile = profileData({ x: Float64Array.from({ length: 200 }, (_, i) => i), c: Array.from({ length: 200 }, (_, i) => 'abc'[i % 3]!) });

/** The row of a number; the later, the less like the reference. */
export function rowOf(i: number): Row {
  return { x: (i * 37) % 230, c: 'abcd'[(i * i) % 4]! };
}

/** What a window is expected to be, with its rows themselves. */
export interface ExpectedWindow {
  readonly rows: readonly Row[];
  readonly panes: number;
  readonly start?: number;
  readonly end?: number;
  readonly late?: number;
}

/** Expects of each verdict that it is the one on the very rows of its window. */
export function expectVerdicts(verdicts: readonly DriftVerdict[], expected: readonly ExpectedWindow[]): void {
  expect(verdicts.map(({ window: { number, rows, panes, start, end, late } }) => ({ number, rows, panes, start, end, late }))).toEqual(
    expected.map(({ rows, panes, start, end, late }, i) => ({ number: i + 1, rows: rows.length, panes, start, end, late })),
  );
  verdicts.forEach((verdict, i) => expect(verdict).toMatchObject(compareData(reference, expected[i]!.rows)));
}

/** Windows by rows, kept as the rows themselves: a process adds what it has in portions, and a pane closes with the portion that fills it. */
export class RowModel {
  readonly windows: ExpectedWindow[] = [];
  readonly panes: number;
  readonly slide: number;
  readonly #panes: Row[][] = [];
  #open: Row[] = [];

  constructor(panes: number, slide: number) {
    this.panes = panes;
    this.slide = slide;
  }

  /** The rows of the pane that is being filled. */
  get open(): readonly Row[] {
    return this.#open;
  }

  store(portions: readonly (readonly Row[])[]): void {
    for (const portion of portions) {
      this.#open.push(...portion);
      if (this.#open.length < this.slide) continue;
      this.#panes.push(this.#open);
      this.#open = [];
      const last = this.#panes.slice(-this.panes);
      this.windows.push({ rows: last.flat(), panes: last.length });
    }
  }
}

/** A process that feeds windows by rows. */
export class RowProcess {
  readonly #model: RowModel;
  readonly #portions: Row[][] = [];
  #portion: Row[] = [];
  /** Rows that it takes to be in the open pane already. */
  #before = 0;

  constructor(model: RowModel, knows: boolean) {
    this.#model = model;
    if (knows) this.#before = model.open.length;
  }

  observe(row: Row): void {
    this.#portion.push(row);
    if (this.#before + this.#portion.length < this.#model.slide) return;
    this.#portions.push(this.#portion);
    this.#portion = [];
    this.#before = 0;
  }

  flush(): void {
    this.#model.store([...this.#portions.splice(0), this.#portion]);
    this.#portion = [];
    this.#before = this.#model.open.length;
  }
}

/** Windows by time, kept as the rows themselves and looked for pane by pane. */
export class TimeModel {
  readonly windows: ExpectedWindow[] = [];
  readonly panes: number;
  readonly slideMs: number;
  readonly graceMs: number;
  readonly #rows: { readonly row: Row; readonly pane: number; readonly late: boolean }[] = [];
  #closedTo = 0;

  constructor(panes: number, slideMs: number, graceMs: number) {
    this.panes = panes;
    this.slideMs = slideMs;
    this.graceMs = graceMs;
  }

  store(rows: readonly { readonly row: Row; readonly at: number }[], now: number): void {
    const paneOf = (at: number): number => Math.floor(at / this.slideMs) * this.slideMs;
    const closedTo = this.#closedTo;
    for (const { row, at } of rows) {
      const late = paneOf(at) < closedTo;
      this.#rows.push({ row, late, pane: late ? Math.max(paneOf(now), closedTo) : paneOf(at) });
    }
    const since = Math.min(...this.#rows.map(({ pane }) => pane));
    for (let pane = Math.max(this.#closedTo, since); now >= pane + this.slideMs + this.graceMs; pane += this.slideMs) {
      const first = pane - (this.panes - 1) * this.slideMs;
      const within = this.#rows.filter((each) => first <= each.pane && each.pane <= pane);
      if (within.length === 0) continue;
      const start = Math.max(first, since);
      const end = pane + this.slideMs;
      const late = within.filter((each) => each.late).length;
      this.windows.push({ rows: within.map(({ row }) => row), panes: (end - start) / this.slideMs, start, end, ...(late > 0 && { late }) });
      this.#closedTo = end;
    }
  }
}
