import type { Html } from '../markup/html.ts';

/** One part of a page. */
export interface Section {
  /** Its anchor: the same for the same part, so that links to it last. */
  readonly id: string;
  readonly title: string;
  /** What stands under its heading. */
  readonly body: Html;
}
