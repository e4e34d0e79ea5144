import type { SortDirection } from '../../core/search/search-vocabulary.ts';
import type { RunAttribute } from './run-attributes.ts';

/**
 * One key that runs are sorted by: numbers by size, with -Infinity first and Infinity last, texts by their UTF-16 code units, params as text ('10' before '9'). Descending turns numbers and texts around; NaN, and behind it runs that lack
 * the key, come last either way.
 */
export type RunOrder = (
  | {
      /** The name of the metric. */
      readonly metric: string;
    }
  | {
      /** The name of the param. */
      readonly param: string;
    }
  | {
      /** The name of the tag. */
      readonly tag: string;
    }
  | {
      /** Which field of the run. */
      readonly attribute: RunAttribute;
    }
) & {
  /** @default 'asc' */
  readonly direction?: SortDirection | undefined;
};
