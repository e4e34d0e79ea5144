import { NotFoundError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { readEach } from '../../storage/read-each.ts';
import type { RunStore, StepRecord } from '../run-store.ts';
import type { CachedFrom } from './cached-from.ts';
import { countingParams } from './cache-key.ts';
import { staleCauses, type CacheSituation, type StaleCause } from './stale-cause.ts';
import type { ItemsExplanation } from './explain-items.ts';
import type { CacheLookup, CacheMiss } from './step-cache.ts';

/** Which run is explained. */
export interface ExplainOptions extends OperationOptions {
  /** Id of the run. @default the newest in which the cache was asked for the step */
  run?: string | undefined;
}

/** Why a step with a cache ran, or was about to when it was stopped, or what it took instead. */
export interface StepExplanation {
  /** Name of the step. */
  readonly step: string;
  /** Id of the run. */
  readonly run: string;
  /** Where the output was taken from; absent when it was not taken. */
  readonly cache?: CachedFrom | undefined;
  /** The run that it is compared with: the last before that made or took an output of the step, or the one whose output could not be taken. Absent when there is none. */
  readonly comparedWith?: string | undefined;
  /** Why it ran: all that is different. Empty when its output was taken, or was there to be taken but the attempt failed or was stopped. */
  readonly causes: readonly StaleCause[];
  /** Of a step that has items, what became of these; `causes` has then those of all of them, each once, at most 16. Absent for a step that has none. */
  readonly items?: ItemsExplanation | undefined;
}

/** A step of a run for which the cache was asked. */
interface Asked {
  readonly run: string;
  readonly record: StepRecord;
  readonly lookup: CacheLookup;
}

const batch = 100;

/** Explains a step of a run; throws `NotFoundError` when the cache was not asked for it. */
export async function explainStep(store: RunStore, step: string, { run, signal }: ExplainOptions): Promise<StepExplanation> {
  const subject = await firstAsked(store, step, run === undefined ? await newestFirst(store, { signal }) : [run], { signal });
  if (subject === undefined) {
    const where = run === undefined ? 'in no run' : `not in run ${run}`;
    throw new NotFoundError(`The cache was asked for step '${step}' ${where}: ${run === undefined ? 'run the pipeline first' : 'the step has not come to its turn, its condition did not hold, or it had no cache then'}.`, { key: step, run });
  }
  const { record: { cache }, lookup: { miss } } = subject;
  const base = { step, run: subject.run };
  if (cache) return { ...base, cache, comparedWith: cache.run, causes: [] };
  if (miss === undefined) return { ...base, causes: [] };
  if (miss.kind === 'absent') return { ...base, ...(await missed(store, step, subject, { signal })) };
  return { ...base, ...(miss.kind === 'expired' && { comparedWith: miss.run }), causes: missCauses(miss) };
}

/** Why an output was not taken that there was, or might have been. */
export function missCauses(miss: CacheMiss): StaleCause[] {
  switch (miss.kind) {
    case 'expired':
      return [{ kind: 'expired', from: miss.madeAt, because: `what run ${miss.run} made was older than ${miss.ttlMs} ms` }];
    case 'damaged':
      return [{ kind: 'damaged', because: `what an earlier run made cannot be read: ${miss.message}` }];
    default:
      return [{ kind: 'refresh', because: 'the run was told to make it anew' }];
  }
}

/** There was no output: because it is not there any more, or because none was ever made of the same. */
async function missed(store: RunStore, step: string, subject: Asked, options: OperationOptions): Promise<Pick<StepExplanation, 'comparedWith' | 'causes'>> {
  const { lookup } = subject;
  let last: Asked | undefined;
  for await (const each of asked(store, step, await newestFirst(store, options), options)) {
    const { run, record: { status, endedAt = Infinity } } = each;
    if (run === subject.run || status !== 'succeeded' || endedAt > lookup.at) continue;
    if (each.lookup.key === lookup.key) return { comparedWith: run, causes: [{ kind: 'cleared', because: `what run ${run} made or took is not there any more` }] };
    if (last === undefined || endedAt > (last.record.endedAt ?? 0)) last = each;
  }
  if (last === undefined) return { causes: [{ kind: 'never-run', because: 'no run before has made an output that could be taken' }] };
  const [before, now] = await situations(store, [last, subject], options);
  return { comparedWith: last.run, causes: staleCauses(before!, now!) };
}

async function situations(store: RunStore, each: readonly Asked[], options: OperationOptions): Promise<CacheSituation[]> {
  const heads = await store.heads(each.map(({ run }) => run), options);
  return each.map(({ lookup }, i) => ({ facts: lookup, params: countingParams(heads[i]?.params, lookup.params) }));
}

async function firstAsked(store: RunStore, step: string, runs: readonly string[], options: OperationOptions): Promise<Asked | undefined> {
  for await (const each of asked(store, step, runs, options)) return each;
  return undefined;
}

/** The runs in which the cache was asked for a step; a record that cannot be read hides no other. */
async function* asked(store: RunStore, step: string, runs: readonly string[], options: OperationOptions): AsyncGenerator<Asked> {
  for (let at = 0; at < runs.length; at += batch) {
    const part = runs.slice(at, at + batch);
    const records = await readEach<StepRecord>(store.storage, part.map((run) => store.stepKey(run, { step })), options);
    for (const [i, found] of records.entries()) {
      if (found && 'value' in found && found.value.lookup) yield { run: part[i]!, record: found.value, lookup: found.value.lookup };
    }
  }
}

/** Ids of all runs, the latest first. */
export async function newestFirst(store: RunStore, options: OperationOptions): Promise<string[]> {
  return (await store.runIds(options)).reverse();
}
