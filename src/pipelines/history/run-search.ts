import { throwIfAborted } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import { isModelkeepError } from '../../core/errors.ts';
import type { ErrorListener } from '../../core/logger.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { ItemSelection } from '../../core/search/item-selection.ts';
import type { RunStore } from '../run-store.ts';
import type { ReadRun } from './read-runs.ts';
import type { DamagedPipelineRun, PipelineRunPage } from './run-summary.ts';
import type { StepQuestion } from './search-question.ts';
import type { SearchablePipelineRun } from './searchable-run.ts';
import { withSteps, type SearchedRun } from './with-steps.ts';

/** What is searched, and who is told what went wrong beside. */
export interface SearchHost {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly onError: ErrorListener;
}

/** A search of the runs of a pipeline. */
export interface RunSearch extends SearchHost {
  /** Selects anew what is on the page. */
  readonly select: () => ItemSelection<SearchablePipelineRun>;
  /** What is asked of steps; absent when nothing is. */
  readonly steps: StepQuestion | undefined;
  readonly limit: number;
  readonly options: OperationOptions;
}

/** Runs with all that the search asks about. */
export async function asked({ store, steps, options }: RunSearch, runs: readonly (ReadRun | DamagedPipelineRun)[]): Promise<SearchedRun[]> {
  if (steps) return withSteps(store, runs, steps, options);
  return runs.map((run) => ('error' in run ? run : run.summary));
}

/** What was selected, as callers see it. */
export function pageOf(selection: ItemSelection<SearchablePipelineRun>, damaged: readonly DamagedPipelineRun[]): PipelineRunPage {
  const { items, next } = selection.page();
  return { items: items.map(({ steps: _, ...run }) => run), ...(next !== undefined && { next }), damaged };
}

/** Writes what spares later searches a look. Who may only read finds the same without it, and what else fails is told and hides nothing that was found. */
export async function attempted({ options, onError }: RunSearch, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    throwIfAborted(options.signal, 'The search');
    if (!isModelkeepError(error, 'forbidden')) onError(error);
  }
}
