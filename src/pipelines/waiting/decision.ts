import { ConflictError, ModelkeepError } from '../../core/errors.ts';
import type { StoredValue } from '../stored-output.ts';
import { moment, type StepWait } from './wait.ts';

/** What ends the wait for a person. */
export interface Decision {
  readonly verdict: 'approved' | 'released' | 'rejected' | 'expired';
  /** Absent when the time has decided. */
  readonly by?: string | undefined;
  readonly comment?: string | undefined;
  readonly at: number;
  /** The round of the run in which it was asked. */
  readonly round: number;
  /** What is released in the place of what was set aside; absent when that is as it is. */
  readonly output?: StoredValue | undefined;
}

/** What an approval puts out. */
export interface ApprovalOutput {
  /** What was decided; a step that was rejected puts out nothing. */
  readonly decision: 'approved';
  /** Who approved; absent when nobody had decided and `onExpiry` did. */
  readonly by?: string | undefined;
  /** What they said; absent when nothing. */
  readonly comment?: string | undefined;
  /** When, epoch milliseconds. */
  readonly at: number;
}

/** What happens when the time of a wait for a person is over. */
export function expiry({ onExpiry }: StepWait, now: number, round: number): Decision {
  return { verdict: onExpiry === 'approve' ? 'approved' : onExpiry === 'release' ? 'released' : 'expired', at: now, round };
}

/** What a step puts out whose wait has ended well. */
export function approvalOutput({ by, comment, at }: Decision): ApprovalOutput {
  return { decision: 'approved', ...(by !== undefined && { by }), ...(comment !== undefined && { comment }), at };
}

/** Why a step has failed whose wait has not ended well. */
export function refusal(step: string, wait: StepWait, { verdict, by, comment, at }: Decision): ModelkeepError {
  if (verdict === 'expired') {
    return new ModelkeepError('expired', `Step '${step}' was waiting for ${wait.kind === 'quarantine' ? 'a release' : 'an approval'} since ${moment(wait.since)}, and nobody had decided by ${moment(wait.until ?? at)}; resume the run to ask anew.`, { step, since: wait.since, until: wait.until });
  }
  return new ModelkeepError('rejected', `Step '${step}' was rejected by ${by ?? 'nobody'}${comment === undefined ? '.' : `: ${comment}`}`, { step, by, comment, at });
}

/** A run as far as decisions are concerned. */
export interface DecidedRun {
  readonly round: number;
  /** By the name of the step; those of earlier rounds do not count. */
  readonly decisions?: Readonly<Record<string, Decision>> | undefined;
}

/** What was decided about a step in the present round of its run. */
export function decisionOf({ decisions, round }: DecidedRun, step: string): Decision | undefined {
  const decision = decisions && Object.hasOwn(decisions, step) ? decisions[step] : undefined;
  return decision?.round === round ? decision : undefined;
}

/** The error of who comes second. */
export function decidedBefore(run: string, step: string, { verdict, by, comment, at }: Decision): ConflictError {
  const who = by === undefined ? `nobody in time, and counts as ${verdict}` : `${by}, who ${verdict} it`;
  return new ConflictError(`Step '${step}' of run ${run} was decided about at ${moment(at)} by ${who}${comment === undefined ? '' : `: ${comment}`}.`, { key: run, step, verdict, by, comment, at });
}
