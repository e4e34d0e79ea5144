/** A table of what a chart shows, for those who do not see it and for those who want the numbers. */
export interface DataTable {
  /** Heads of columns. */
  readonly columns: readonly string[];
  /** Cells as they are read, one list per row. */
  readonly rows: readonly (readonly (string | number | null)[])[];
  /** What was left out, such as "showing 500 of 100,000 points"; undefined when nothing was. */
  readonly leftOut?: string | undefined;
}

/** A picture of data that stands alone: as SVG, as text, as a table and as a specification for other tools. */
export interface Chart {
  readonly title: string;
  /** One to three sentences that say what is seen, with the numbers that matter. */
  readonly summary: string;
  readonly table: DataTable;
  /** A whole `<svg>` with its own styles for light and dark: for a pull request, a README, an e-mail. The same chart gives the same text. */
  toSVG(): string;
  /** The same data and encoding for Vega-Lite 6, to restyle in other tools. */
  toVegaLite(): VegaLiteSpec;
}

/** A Vega-Lite specification, plain JSON. */
export type VegaLiteSpec = Readonly<Record<string, unknown>>;
