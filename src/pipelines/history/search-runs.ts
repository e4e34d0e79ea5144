import * as z from 'zod/mini';
import { throwIfAborted } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import { signalOption } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import { ItemSelection } from '../../core/search/item-selection.ts';
import { readFilter } from '../../core/search/read-filter.ts';
import { parseOrder } from '../../core/search/search-order.ts';
import type { RunStore } from '../run-store.ts';
import type { PipelineRunFilter, PipelineRunOrder } from './pipeline-run-filter.ts';
import { pipelineRunVocabulary } from './pipeline-run-vocabulary.ts';
import { readRuns } from './read-runs.ts';
import type { DamagedPipelineRun, PipelineRunPage } from './run-summary.ts';

/** Which runs of a pipeline are searched for, in which order. */
export interface SearchPipelineRunsOptions extends OperationOptions {
  /** Which runs are found: a text such as `status = 'failed' and params.month >= '2001-02'`, or the same as an object. @default all */
  readonly filter?: string | PipelineRunFilter | undefined;
  /** What they are sorted by, the most important first: texts such as `duration desc`, or objects. @default from the newest */
  readonly orderBy?: readonly (string | PipelineRunOrder)[] | undefined;
  /** At most so many, up to 1000. @default 100 */
  readonly limit?: number | undefined;
  /** The `next` of the page before, of the same search. @default from the first */
  readonly after?: string | undefined;
}

const schema = z.strictObject({
  filter: z.optional(z.unknown()),
  orderBy: z.optional(z.unknown()),
  limit: z.optional(z.int().check(z.minimum(1), z.maximum(1000))),
  after: z.optional(z.string()),
  signal: signalOption,
});

/** A page of the runs that a search finds; it keeps no more of them than four pages hold. */
export async function searchRunPage(store: RunStore, clock: Clock, options: SearchPipelineRunsOptions): Promise<PipelineRunPage> {
  const { filter, orderBy = [], limit = 100, after, signal } = check(schema, options, 'options') as SearchPipelineRunsOptions;
  const selection = new ItemSelection(pipelineRunVocabulary, {
    filter: readFilter(pipelineRunVocabulary, filter),
    orders: parseOrder(pipelineRunVocabulary, orderBy),
    scope: store.pipeline,
    limit,
    after,
  });
  const damaged: DamagedPipelineRun[] = [];
  for await (const run of readRuns(store, clock, { signal })) {
    throwIfAborted(signal, 'The search');
    if ('error' in run) damaged.push(run);
    else selection.offer(run);
  }
  // Damage has no place in an order; whoever reads all pages is told once.
  return { ...selection.page(), damaged: after === undefined ? damaged : [] };
}
