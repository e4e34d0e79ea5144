import { NotFoundError } from '../../core/errors.ts';
import type { RunHead, RunStore } from '../run-store.ts';
import type { StepStatus } from '../run-state.ts';
import type { StepHandle } from '../step.ts';
import { readStored } from '../stored-output.ts';
import type { KeptOutput } from '../streamed-output.ts';
import { stepShape } from '../waiting/decide.ts';
import { decisionOf, type Decision } from '../waiting/decision.ts';
import type { StepWait } from '../waiting/wait.ts';

/** What was decided about what a step had set aside. */
export interface QuarantineDecision {
  /** `expired` when nobody had decided in time, unless that has released it. */
  readonly verdict: 'released' | 'rejected' | 'expired';
  /** Who decided; absent when nobody had and the time was over. */
  readonly by?: string | undefined;
  /** What they said; absent when nothing. */
  readonly comment?: string | undefined;
  /** When, epoch milliseconds. */
  readonly at: number;
  /** Whether something else was released than what had been set aside. */
  readonly corrected: boolean;
}

/** What a step of a run has set aside. */
export interface QuarantinedOutput<Output = unknown> {
  /** Id of the run. */
  readonly run: string;
  /** Name of the step. */
  readonly step: string;
  /** Where the step stands by now; `waiting` while nothing is decided. */
  readonly status: StepStatus;
  /** A copy of what was set aside, also when it was rejected or something else was released. */
  readonly output: KeptOutput<Output>;
  /** Why, since when and until when. */
  readonly wait: StepWait;
  /** What was decided; absent while nothing is. */
  readonly decision?: QuarantineDecision | undefined;
}

/** What a step of a run has set aside the last time that it did. Throws `NotFoundError` when it has set aside nothing. */
export async function readQuarantined<Output>(store: RunStore, head: RunHead, given: StepHandle<Output> | string): Promise<QuarantinedOutput<Output>> {
  const { name: step } = stepShape(head, given);
  const record = (await store.step(head.id, { step }))?.value;
  if (record?.wait?.kind !== 'quarantine') throw new NotFoundError(`Step '${step}' of run ${head.id} has set aside nothing; waiting({ kind: 'quarantine' }) lists what is.`, { key: head.id, step });
  const { held, wait, status, round } = record;
  const output = held && (await readStored(store.storage, held, step));
  const decision = decisionOf({ decisions: head.decisions, round }, step);
  return {
    run: head.id,
    step,
    status,
    output: output as KeptOutput<Output>,
    wait,
    ...(decision && { decision: decisionFor(decision) }),
  };
}

function decisionFor({ verdict, by, comment, at, output }: Decision): QuarantineDecision {
  return { verdict: verdict as QuarantineDecision['verdict'], ...(by !== undefined && { by }), ...(comment !== undefined && { comment }), at, corrected: output !== undefined };
}
