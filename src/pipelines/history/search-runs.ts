import * as z from 'zod/mini';
import { throwIfAborted } from '../../core/abort.ts';
import { signalOption } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import { ItemSelection } from '../../core/search/item-selection.ts';
import { readFilter } from '../../core/search/read-filter.ts';
import { parseOrder } from '../../core/search/search-order.ts';
import type { PipelineRunFilter, PipelineRunOrder } from './pipeline-run-filter.ts';
import { pipelineRunVocabulary } from './pipeline-run-vocabulary.ts';
import { readRunsOf } from './read-runs.ts';
import type { DamagedPipelineRun, PipelineRunPage } from './run-summary.ts';
import { searchByDigest } from './search-by-digest.ts';
import { digestsSought, stepQuestion } from './search-question.ts';
import { asked, attempted, pageOf, type RunSearch, type SearchHost } from './run-search.ts';
import { areStartsNoted, completeStartNotes, readNewestRuns, type StartedRun } from './start-notes.ts';

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

/**
 * A page of the runs that a search finds; it keeps no more of them than four pages hold. Without an order it looks at as many as it takes to fill the page, from the newest on; in another order it looks at all, and where a digest is sought at
 * those that the index names or does not know.
 */
export async function searchRunPage(host: SearchHost, given: SearchPipelineRunsOptions): Promise<PipelineRunPage> {
  const { filter: givenFilter, orderBy = [], limit = 100, after, signal } = check(schema, given, 'options') as SearchPipelineRunsOptions;
  const filter = readFilter(pipelineRunVocabulary, givenFilter);
  const orders = parseOrder(pipelineRunVocabulary, orderBy);
  const options = { signal };
  const question = { filter, orders, scope: host.store.pipeline, limit, after };
  const search: RunSearch = { ...host, select: () => new ItemSelection(pipelineRunVocabulary, question), steps: stepQuestion(filter, orders), limit, options };
  const digests = digestsSought(filter);
  if (digests) return searchByDigest(search, digests);
  if (orders.length > 0) return searchAll(search);
  return (await areStartsNoted(host.store, options)) ? searchNewest(search) : searchAndNote(search);
}

/** Looks at the runs from the newest on until the page is full. */
async function searchNewest(search: RunSearch): Promise<PipelineRunPage> {
  const { store, clock, limit, options } = search;
  const selection = search.select();
  const from = selection.from?.[0] as number | undefined;
  const damaged = new Map<string, DamagedPipelineRun>();
  let taken = 0;
  let last = Infinity;
  // With the run of the cursor, the first of the next page, and one that began before that.
  for await (const batch of readNewestRuns(store, clock, from, limit + 3, options)) {
    throwIfAborted(options.signal, 'The search');
    for (const [i, run] of (await asked(search, batch.map(({ run: each }) => each))).entries()) {
      const { at } = batch[i]!;
      // Within a millisecond, notes do not tell which run comes first.
      if (taken > limit && at < last) return pageOf(selection, [...damaged.values()]);
      if ('error' in run) {
        // Whoever reads all pages is told once: the page before looked as far as the first run of this one, and this looks as far as the first of the next.
        if (taken <= limit && (taken > 0 || from === undefined)) damaged.set(run.id, run);
      } else if (selection.offer(run)) {
        taken++;
        last = at;
      }
    }
  }
  return pageOf(selection, [...damaged.values()]);
}

/** Looks at all runs. */
async function searchAll(search: RunSearch, onRun?: (run: StartedRun) => void, onDamage?: (run: string) => void): Promise<PipelineRunPage> {
  const { store, clock, options } = search;
  const selection = search.select();
  const damaged: DamagedPipelineRun[] = [];
  for await (const batch of readRunsOf(store, clock, (await store.runIds(options)).reverse(), options)) {
    throwIfAborted(options.signal, 'The search');
    for (const run of batch) {
      if ('error' in run) onDamage?.(run.id);
      else onRun?.({ id: run.head.id, startedAt: run.head.startedAt });
    }
    for (const run of await asked(search, batch)) {
      if ('error' in run) damaged.push(run);
      else selection.offer(run);
    }
  }
  // Damage has no place in an order; whoever reads all pages is told once.
  return pageOf(selection, selection.from === undefined ? damaged : []);
}

/** Looks at all runs, and notes when they began, so that the next search need not. */
async function searchAndNote(search: RunSearch): Promise<PipelineRunPage> {
  const { store, options } = search;
  const runs: StartedRun[] = [];
  const damaged: string[] = [];
  const page = await searchAll(search, (run) => runs.push(run), (run) => damaged.push(run));
  await attempted(search, () => completeStartNotes(store, runs, damaged, options));
  // As the pages behind it will be read, which tell of damage as they come by it.
  return (await areStartsNoted(store, options)) ? searchNewest(search) : page;
}
