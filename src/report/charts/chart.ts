import { html, type Html } from '../markup/html.ts';
import { chartStyle } from '../svg/chart-style.ts';
import type { LineRedraw } from './line-ways.ts';

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
  /** What it is called. */
  readonly title: string;
  /** One to three sentences that say what is seen, with the numbers that matter. */
  readonly summary: string;
  /** What it shows, in numbers. */
  readonly table: DataTable;
  /** A whole `<svg>` with its own styles for light and dark: for a pull request, a README, an e-mail. The same chart gives the same text. */
  toSVG(): string;
  /** The same data and encoding for Vega-Lite 6, to restyle in other tools. */
  toVegaLite(): VegaLiteSpec;
}

/** A Vega-Lite specification, plain JSON. */
export type VegaLiteSpec = Readonly<Record<string, unknown>>;

/** What a chart is made of. */
export interface ChartParts {
  readonly title: string;
  readonly summary: string;
  readonly table: DataTable;
  /** Width of the picture, in pixels. */
  readonly width: number;
  /** Height of the picture, in pixels. */
  readonly height: number;
  /** Whether the picture is never drawn smaller, but scrolls where it has no room. @default false */
  readonly keepsSize?: boolean | undefined;
  /** What stands in the `<svg>`. */
  readonly marks: Html;
  /** What the client script knows of the axes, to tell the values under the pointer; undefined where every mark has a title of its own. */
  readonly readout?: Readout | undefined;
  /** What the client script needs to draw the lines in other ways; undefined for other pictures. */
  readonly redraw?: (() => LineRedraw) | undefined;
  /** The specification but for its `$schema`, title and description. */
  readonly vegaLite: () => VegaLiteSpec;
}

/** How coordinates of a picture are read back as values. */
export interface Readout {
  readonly x: ReadoutAxis;
  readonly y: ReadoutAxis;
}

/** One axis of a {@link Readout}. */
export interface ReadoutAxis {
  readonly kind: 'linear' | 'log' | 'time' | 'band';
  readonly domain: readonly [number, number];
  readonly range: readonly [number, number];
}

/** A chart that a page of ours can hold as it is. */
export class DrawnChart implements Chart {
  readonly #parts: ChartParts;

  constructor(parts: ChartParts) {
    this.#parts = parts;
  }

  get title(): string {
    return this.#parts.title;
  }

  get summary(): string {
    return this.#parts.summary;
  }

  get table(): DataTable {
    return this.#parts.table;
  }

  get width(): number {
    return this.#parts.width;
  }

  /** The `<svg>` alone, for a page that has the styles and names the elements that label it. Where lines may be `redrawn`, it has what the page's script needs for that. */
  inPage(labelledBy: string, { redrawn = false }: { readonly redrawn?: boolean } = {}): Html {
    const { width, height, marks, readout, redraw, keepsSize } = this.#parts;
    const data = readout && html` data-axes="${JSON.stringify([readout.x, readout.y].map(({ kind, domain, range }) => [kind, ...domain, ...range]))}"`;
    return html`<svg class="chart${keepsSize && ' whole'}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="${labelledBy}"${data}${redrawn && redraw && html` data-lines="${JSON.stringify(redraw())}"`}>${marks}</svg>`;
  }

  toSVG(): string {
    const { width, height, marks, title, summary } = this.#parts;
    return html`<svg xmlns="http://www.w3.org/2000/svg" class="chart alone" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="12" color="#222" fill="currentColor"><title>${title}</title><desc>${summary}</desc><style>${chartStyle}</style><rect class="ground" width="100%" height="100%" fill="#fff"/>${marks}</svg>`.toString();
  }

  toVegaLite(): VegaLiteSpec {
    return { $schema: 'https://vega.github.io/schema/vega-lite/v6.json', title: this.title, description: this.summary, ...this.#parts.vegaLite() };
  }
}
