import type { AuditEvent } from '../../core/audit.ts';
import type { Clock } from '../../core/clock.ts';
import type { FailureRecord } from '../../core/failure.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { causeOf, type CancelCause } from '../cancelling/cancellation.ts';
import { isFinal, unbegun, type RunOutcome } from '../run-state.ts';
import { RunStore, type RunHead } from '../run-store.ts';
import { stepResult } from '../step-result.ts';
import { contentsOf } from '../stored-output.ts';
import { inputsOf, type StepHistory } from './read-run.ts';

const outcomes: Readonly<Record<RunOutcome, true>> = { succeeded: true, failed: true, cancelled: true };

/** A step of a pipeline that runs another, in one round of its run. */
export interface ParentStep {
  readonly pipeline: string;
  readonly run: string;
  readonly step: string;
  readonly round: number;
}

/** How a round ended. */
interface RoundEnd {
  readonly status: RunOutcome;
  readonly at: number;
  /** Why it failed, if it is known. */
  readonly failure?: FailureRecord | undefined;
  /** Who had it cancelled, and why, if it was. */
  readonly cancelled?: CancelCause | undefined;
}

/** When a round began, was gone on with after an interruption, and ended. */
interface RoundTimes {
  readonly startedAt: number;
  readonly resumedAt: readonly number[];
  readonly end?: RoundEnd | undefined;
}

/** One round of a run: from where it began, or was tried again after it had ended, to where it ended. */
export interface RunRound extends RoundTimes {
  readonly head: RunHead;
  readonly round: number;
  /** The steps above it, the nearest first. */
  readonly parents: readonly ParentStep[];
  /** What became of the steps in this round; those that were kept from an earlier one are not among them, nor those that a later one has overwritten. */
  readonly steps: readonly StepHistory[];
}

/** A round as it is recorded; `undefined` when there is none. */
export async function readRound(store: RunStore, clock: Clock, run: string, round: number, options: OperationOptions): Promise<RunRound | undefined> {
  const head = await store.head(run, options);
  if (head === undefined) return undefined;
  const times = roundsOf(head, await store.history(run, options))[round - 1];
  return times && { ...times, head, round, parents: await parentsOf(store, clock, head, times.startedAt, options), steps: await stepsOf(store, head, round, options) };
}

/** The rounds of a run by its history, which never changes. */
function roundsOf(head: RunHead, history: readonly AuditEvent[]): RoundTimes[] {
  const rounds: RoundTimes[] = [];
  for (const { type, at, data, by, reason } of history) {
    const last = rounds.at(-1);
    if (type === 'started') rounds.push({ startedAt: head.startedAt, resumedAt: [] });
    else if (type === 'resumed' && last?.end) rounds.push({ startedAt: at, resumedAt: [] });
    else if (type === 'resumed') rounds[rounds.length - 1] = { ...last!, resumedAt: [...last!.resumedAt, at] };
    else if (isOutcome(type)) {
      const end: RoundEnd = { status: type, at, failure: (data as { readonly failure?: FailureRecord }).failure, ...(type === 'cancelled' && { cancelled: causeOf({ by, reason }) }) };
      // One that was cancelled before anybody began it has no beginning of its own.
      rounds[Math.max(0, rounds.length - 1)] = { ...(last ?? { startedAt: head.startedAt, resumedAt: [] }), end };
    }
  }
  return rounds;
}

function isOutcome(type: string): type is RunOutcome {
  return type in outcomes;
}

async function stepsOf(store: RunStore, { id, definition }: RunHead, round: number, options: OperationOptions): Promise<StepHistory[]> {
  const records = await store.steps(id, definition.map(({ name }) => name), options);
  const outputs = new Map([...records].flatMap(([name, { value }]) => (value.output && value.round <= round ? [[name, contentsOf(value.output)] as const] : [])));
  return definition.flatMap(({ name, needs, after }) => {
    const record = records.get(name)?.value;
    if (record?.round !== round || !isFinal(record.status)) return [];
    return [{ ...stepResult(name, unbegun(record)), needs, after, inputs: inputsOf(record, needs, outputs), output: outputs.get(name) }];
  });
}

/** The steps that a run is for, as far as the store knows the runs that they are of. */
async function parentsOf(store: RunStore, clock: Clock, { triggeredBy }: RunHead, startedAt: number, options: OperationOptions): Promise<ParentStep[]> {
  if (triggeredBy?.kind !== 'pipeline') return [];
  const { pipeline, run, step } = triggeredBy;
  const above = new RunStore(store.storage, pipeline, clock);
  const head = await above.head(run, options);
  // One that is kept elsewhere is taken to be in its first round.
  if (head === undefined) return [{ pipeline, run, step, round: 1 }];
  const rounds = roundsOf(head, await above.history(run, options));
  const round = Math.max(1, rounds.filter((each) => each.startedAt <= startedAt).length);
  return [{ pipeline, run, step, round }, ...(await parentsOf(above, clock, head, rounds[round - 1]?.startedAt ?? head.startedAt, options))];
}
