import { describeFailure } from '../../core/failure.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { readEach, type EachValue } from '../../storage/read-each.ts';
import type { ValueRecord } from '../../storage/records.ts';
import { untouched } from '../run-state.ts';
import type { RunStore, StepRecord } from '../run-store.ts';
import { presentRecords, stepHistories } from './read-run.ts';
import type { ReadRun } from './read-runs.ts';
import type { DamagedPipelineRun } from './run-summary.ts';
import type { StepQuestion } from './search-question.ts';
import type { SearchablePipelineRun, SearchableSteps } from './searchable-run.ts';

/** A run as a search sees it, or why it cannot be read. */
export type SearchedRun = SearchablePipelineRun | DamagedPipelineRun;

// What one answer of a store can hold.
const recordsAtOnce = 1_000;

/** Runs with what is asked of their steps; without it those that cannot be found whatever their steps are. One of whose steps a record cannot be read cannot be read itself. */
export async function withSteps(store: RunStore, runs: readonly (ReadRun | DamagedPipelineRun)[], question: StepQuestion, options: OperationOptions): Promise<SearchedRun[]> {
  const asked = runs.map((run) => ('error' in run || !question.passes(run.summary) ? [] : namesOf(run, question)));
  const keys = runs.flatMap((run, i) => ('error' in run ? [] : asked[i]!.map((step) => store.stepKey(run.head.id, { step }))));
  const records: EachValue<StepRecord>[] = [];
  for (let at = 0; at < keys.length; at += recordsAtOnce) records.push(...(await readEach<StepRecord>(store.storage, keys.slice(at, at + recordsAtOnce), options)));
  let next = 0;
  return runs.map((run, i) => {
    const names = asked[i]!;
    const own = records.slice(next, (next += names.length));
    if ('error' in run) return run;
    const failed = own.find((record) => record !== undefined && 'error' in record) as { readonly error: unknown } | undefined;
    if (failed) return { id: run.head.id, error: describeFailure(failed.error) };
    const found = new Map(names.flatMap((name, k) => (own[k] ? [[name, own[k] as ValueRecord<StepRecord>] as const] : [])));
    return names.length === 0 ? run.summary : { ...run.summary, steps: stepsOf(run, names, found, question) };
  });
}

function namesOf({ head }: ReadRun, { names, digests }: StepQuestion): string[] {
  const all = head.definition.map(({ name }) => name);
  return digests ? all : all.filter((name) => names.has(name));
}

function stepsOf({ head }: ReadRun, names: readonly string[], records: ReadonlyMap<string, ValueRecord<StepRecord>>, { digests }: StepQuestion): SearchableSteps {
  const present = presentRecords(head, records);
  const statuses = new Map(names.map((name) => [name, (present.get(name) ?? untouched).status]));
  if (!digests) return { statuses, inputs: [], outputs: [] };
  const histories = stepHistories(head, present, new Map()).map(([, history]) => history);
  return { statuses, inputs: histories.flatMap(({ inputs }) => Object.values(inputs).map(({ digest }) => digest)), outputs: histories.flatMap(({ output }) => (output ? [output.digest] : [])) };
}
