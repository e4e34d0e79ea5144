import type { Clock } from '../../core/clock.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { childRunId } from '../nesting/child-run-id.ts';
import type { SubRun } from '../nesting/sub-pipeline.ts';
import { countItems, type StepItems } from '../items.ts';
import { isFinal, unbegun, untouched } from '../run-state.ts';
import type { RunHead, RunStore, StepRecord } from '../run-store.ts';
import { stepResult, type StepResult } from '../step-result.ts';
import { contentsOf, type StoredContents } from '../stored-output.ts';
import { runSummary, type PipelineRunSummary } from './run-summary.ts';

/** An output that a step was given. */
export interface StepInputRecord extends StoredContents {
  /** The step that put it out. */
  readonly step: string;
}

/** A step of a run as it was last recorded. */
export interface StepHistory extends StepResult {
  /** The steps whose outputs it takes, by the name of the input. */
  readonly needs: Readonly<Record<string, string>>;
  /** The steps that it comes after without taking what they put out. */
  readonly after: readonly string[];
  /** The digests of what its last attempt was given, or its output was taken for, by the name of the input. One that was not there, or whose step had put out nothing, is left out. */
  readonly inputs: Readonly<Record<string, StepInputRecord>>;
  /** The digest of what it put out, as it is stored; absent when it has not succeeded or put out nothing. */
  readonly output?: StoredContents | undefined;
}

/** A run as it was last recorded. */
export interface PipelineRun extends PipelineRunSummary {
  /** By name, in the order in which the steps were defined. */
  readonly steps: Readonly<Record<string, StepHistory>>;
  /** By the name of the step, the runs of other pipelines that steps are, whether begun or not; those that items of a step are, are found by their `triggeredBy`. */
  readonly subRuns: Readonly<Record<string, SubRun>>;
}

/** A run with its steps. */
export async function readRun(store: RunStore, head: RunHead, clock: Clock, options: OperationOptions): Promise<PipelineRun> {
  const names = head.definition.map(({ name }) => name);
  const records = await store.steps(head.id, names, options);
  const present = presentRecords(head, records);
  const items = new Map<string, StepItems>();
  for (const [name, { status, items: listed }] of present) {
    if (listed) items.set(name, isFinal(status) ? listed : await presentItems(store, head, name, listed.total, options));
  }
  return { ...runSummary(head, (await store.leases([head.id], options))[0], clock), steps: Object.fromEntries(stepHistories(head, present, items)), subRuns: subRunsOf(head) };
}

/** The records of steps that count, each as whoever looks from outside knows it. */
export function presentRecords(head: RunHead, records: ReadonlyMap<string, { readonly value: StepRecord }>): Map<string, StepRecord> {
  return new Map([...records].flatMap(([name, { value }]) => (isPresent(value, head) ? [[name, unbegun(value)] as const] : [])));
}

/** What became of each step, in the order in which they were defined. */
export function stepHistories({ definition }: RunHead, present: ReadonlyMap<string, StepRecord>, items: ReadonlyMap<string, StepItems>): [string, StepHistory][] {
  const outputs = new Map([...present].flatMap(([name, { output }]) => (output ? [[name, contentsOf(output)] as const] : [])));
  return definition.map(({ name, needs, after }): [string, StepHistory] => {
    const record = present.get(name);
    const result = stepResult(name, { ...(record ?? untouched), items: items.get(name) });
    return [name, { ...result, needs, after, inputs: inputsOf(record, needs, outputs), output: result.status === 'succeeded' ? outputs.get(name) : undefined }];
  });
}

/** How the items of a step stand that has not ended: by their own records. */
async function presentItems(store: RunStore, head: RunHead, step: string, total: number, options: OperationOptions): Promise<StepItems> {
  const records = await store.items(head.id, step, total, options);
  return countItems(
    Array.from({ length: total }, (_, index) => {
      const record = records.get(index)?.value;
      return record && isPresent(record, head) ? unbegun(record) : untouched;
    }),
  );
}

function subRunsOf({ id, pipeline, definition }: RunHead): Record<string, SubRun> {
  const subRuns = definition.flatMap(({ name, runs, map }) => (runs === undefined || map ? [] : [[name, { pipeline: runs, run: childRunId({ pipeline, run: id, step: name }, runs) }] as const]));
  return Object.fromEntries(subRuns);
}

/** What a step succeeded with never changes, so what is stored now is what was given then, unless it was not there yet. */
export function inputsOf(record: StepRecord | undefined, needs: Readonly<Record<string, string>>, outputs: ReadonlyMap<string, StoredContents>): Record<string, StepInputRecord> {
  if (record === undefined || (record.attempts === 0 && record.cache === undefined)) return {};
  const inputs = Object.entries(needs).flatMap(([input, step]) => {
    const contents = record.without?.includes(input) ? undefined : outputs.get(step);
    return contents ? [[input, { step, ...contents }] as const] : [];
  });
  return Object.fromEntries(inputs);
}

/** A record of an earlier round counts only when the step succeeded: otherwise it is tried again. */
function isPresent(record: StepRecord, head: RunHead): boolean {
  return record.status === 'succeeded' || record.round === head.round;
}
