import { throwIfAborted } from '../../core/abort.ts';
import { hasEnded } from '../run-state.ts';
import { digestCandidates, indexDigests, type IndexedRun } from './digest-index.ts';
import { readRunsOf } from './read-runs.ts';
import { asked, attempted, pageOf, type RunSearch } from './run-search.ts';
import type { DamagedPipelineRun, PipelineRunPage } from './run-summary.ts';

/** Looks at the runs that have to do with digests as far as the index knows, and at those that it does not know, which it then does if they have ended. */
export async function searchByDigest(search: RunSearch, digests: readonly string[]): Promise<PipelineRunPage> {
  const { store, clock, options } = search;
  const selection = search.select();
  const damaged: DamagedPipelineRun[] = [];
  const { named, unknown } = await digestCandidates(store, digests, options);
  // Of what is to be indexed the steps are read, whatever the head says.
  const indexing: RunSearch = { ...search, steps: { names: new Set(), ...search.steps, digests: true, passes: () => true } };
  for await (const batch of readRunsOf(store, clock, [...unknown.keys()], options)) {
    throwIfAborted(options.signal, 'The search');
    const known: IndexedRun[] = [];
    for (const [i, run] of (await asked(indexing, batch)).entries()) {
      const read = batch[i]!;
      if ('error' in run) damaged.push(run);
      else selection.offer(run);
      if ('error' in run || 'error' in read || !hasEnded(read.head.status)) continue;
      known.push({ id: run.id, head: unknown.get(run.id)!, digests: [...(run.steps?.inputs ?? []), ...(run.steps?.outputs ?? [])] });
    }
    await attempted(search, () => indexDigests(store, known, options));
  }
  for await (const batch of readRunsOf(store, clock, named, options)) {
    throwIfAborted(options.signal, 'The search');
    for (const run of await asked(search, batch)) {
      if ('error' in run) damaged.push(run);
      else selection.offer(run);
    }
  }
  // Damage has no place in an order; whoever reads all pages is told once.
  return pageOf(selection, selection.from === undefined ? damaged : []);
}
