import type { OperationOptions } from '../../core/progress.ts';
import { describeRef, type RecordRef } from '../../core/record-ref.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { readLineage } from '../../storage/lineage.ts';
import type { RunHead, RunStore } from '../run-store.ts';
import { stepRunId } from '../step-tracking.ts';
import type { RunRound } from './read-round.ts';
import type { StepHistory } from './read-run.ts';

/** Records that are related to a run. */
export interface RelatedRecords {
  /** Datasets that it used. */
  readonly used: readonly RecordRef[];
  /** Versions of models that were derived from it. */
  readonly made: readonly RecordRef[];
}

/** The records of a round. */
export interface RoundRecords {
  /** Those of the runs of a Tracker that steps have, by the name of the step. */
  readonly steps: ReadonlyMap<string, RelatedRecords>;
  /** Those of the run itself. */
  readonly run: RelatedRecords;
}

/** What the same store knows of the datasets and model versions of a round that has ended; what was related to it afterwards is not its own. */
export async function roundRecords({ storage }: RunStore, { head, steps, end }: RunRound, options: OperationOptions): Promise<RoundRecords> {
  const until = end?.at ?? 0;
  const ref: RecordRef = { kind: 'pipeline-run', id: head.id };
  const edges = await readLineage(storage, 'to', ref, options);
  const tracked = new Set(edges.flatMap(({ from, relation }) => (from.kind === 'run' && relation === 'partOf' ? [from.id] : [])));
  const found = new Map<string, RelatedRecords>();
  for (const step of steps) {
    const runs = tracked.size === 0 ? [] : runsOf(head, step).filter((id) => tracked.has(id));
    if (runs.length === 0) continue;
    const related = [];
    for (const id of runs) related.push(await relatedTo(storage, id, until, options));
    found.set(step.name, { used: distinct(related.flatMap(({ used }) => used)), made: distinct(related.flatMap(({ made }) => made)) });
  }
  const told = new Set([...found.values()].flatMap(({ made }) => made.map(describeRef)));
  return { steps: found, run: { used: [], made: distinct(versionsIn(edges, until)).filter((version) => !told.has(describeRef(version))) } };
}

/** The runs that a step has, or the items of one have, if they asked for them. */
function runsOf(head: RunHead, { name: step, items }: StepHistory): string[] {
  return [stepRunId(head, { step }), ...Array.from({ length: items?.total ?? 0 }, (_, index) => stepRunId(head, { step, index }))];
}

async function relatedTo(storage: StorageAdapter, id: string, until: number, options: OperationOptions): Promise<RelatedRecords> {
  const run: RecordRef = { kind: 'run', id };
  const [out, into] = await Promise.all([readLineage(storage, 'from', run, options), readLineage(storage, 'to', run, options)]);
  const used = out.filter(({ relation, to, at }) => relation === 'used' && to.kind === 'dataset' && at <= until).map(({ to }) => to);
  return { used, made: versionsIn(into, until) };
}

function versionsIn(edges: Awaited<ReturnType<typeof readLineage>>, until: number): RecordRef[] {
  return edges.filter(({ relation, from, at }) => relation === 'derivedFrom' && from.kind === 'model-version' && at <= until).map(({ from }) => from);
}

/** Each once, in an order that hangs on nothing else. */
function distinct(refs: readonly RecordRef[]): RecordRef[] {
  const byName = new Map(refs.map((ref) => [`${describeRef(ref)} ${ref.digest ?? ''}`, ref]));
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, ref]) => ref);
}
