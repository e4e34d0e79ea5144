import type { ImportedRun } from './imported-run.ts';
import type { OpenSourceOptions } from './source-directory.ts';

/** What a line of a file says of a run, beside its points. */
export type RunFacts = Partial<Omit<ImportedRun, 'source' | 'metrics' | 'artifacts'>>;

/** A line with values of metrics. */
export interface PointsRow {
  /** The byte at which it begins. */
  readonly offset: number;
  readonly run: string;
  readonly step: number;
  readonly timestamp: number | undefined;
  readonly names: readonly string[];
  readonly values: readonly number[];
}

/** What one line of a file says: values of metrics, or facts of a run, or what is wrong with it. */
export type SourceRow = PointsRow | { readonly offset: number; readonly run: string; readonly facts: RunFacts } | { readonly offset: number; readonly message: string };

/** How the lines of a file are read, from its beginning or from one of them on; some at once. */
export type RowReader = (options: OpenSourceOptions) => AsyncIterable<SourceRow[]>;

/** A line that is left out. */
export function faultyRow(offset: number, what: string): SourceRow {
  return { offset, message: `The line at byte ${offset} ${what}, and is left out.` };
}
