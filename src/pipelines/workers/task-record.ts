import type { Digest } from '../../core/digest.ts';
import { AbortedError, isModelkeepError, TimeoutError } from '../../core/errors.ts';
import { describeFailure, type FailureRecord } from '../../core/failure.ts';
import type { ItemsListed } from '../run-event.ts';
import type { StoredBytes, StoredOutput } from '../stored-output.ts';
import type { AttemptFacts, TrialEnd } from '../trial.ts';
import type { StepTask } from './step-executor.ts';

/** Who makes an attempt, and until when that is certain. */
export interface TaskClaim {
  readonly owner: string;
  /** Grows with every claim: what comes of an attempt under a smaller one is void. */
  readonly fence: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** Whether the step's own work has begun. */
  readonly working: boolean;
}

/** What an attempt has come to, as it is stored. What was known of items is for the run to say. */
export interface TaskEnd {
  readonly event: Exclude<TrialEnd['event'], ItemsListed> | Omit<ItemsListed, 'known'>;
  readonly facts: AttemptFacts;
  /** Absent unless it succeeded. */
  readonly output?: { readonly stored?: StoredOutput | undefined } | undefined;
}

/** An attempt that somebody else may make: offered by who works on the run, claimed, and ended. */
export interface TaskRecord extends Omit<StepTask, 'pipeline'> {
  /** Of the definition that it is an attempt of. */
  readonly definition: Digest;
  /** Under which fence the run was worked on when it was offered. */
  readonly fence: number;
  /** Epoch milliseconds. */
  readonly offeredAt: number;
  readonly priority: number;
  /** The states that the step may look at, packed. */
  readonly states: StoredBytes;
  /** How often it, or what was here before, has been claimed. */
  readonly claims: number;
  readonly claim?: TaskClaim | undefined;
  /** Why it is to be stopped. */
  readonly stop?: FailureRecord | undefined;
  readonly end?: TaskEnd | undefined;
  /** What failed outside of the step's own work and will not come right. */
  readonly fault?: FailureRecord | undefined;
}

/** Whether a record is of this attempt and no other. */
export function isOf(record: TaskRecord, { run, round, step, index, attempt }: Omit<StepTask, 'pipeline'>): boolean {
  return record.run === run && record.round === round && record.step === step && record.index === index && record.attempt === attempt;
}

/** Whether nobody need make it any more. */
export function isOver({ end, fault }: TaskRecord): boolean {
  return end !== undefined || fault !== undefined;
}

/** Whether somebody surely makes it. */
export function isClaimed({ claim }: TaskRecord, now: number): boolean {
  return claim !== undefined && claim.expiresAt > now;
}

/** Whether a claim may be taken. One that is to be stopped is for the run to end. */
export function isOpen(record: TaskRecord, now: number): boolean {
  return !isOver(record) && record.stop === undefined && !isClaimed(record, now);
}

/** The record with a claim in it, under a fence that none before had. */
export function claimed(record: TaskRecord, owner: string, expiresAt: number, working: boolean): TaskRecord & { readonly claim: TaskClaim } {
  const claims = record.claims + 1;
  return { ...record, claims, claim: { owner, fence: claims, expiresAt, working } };
}

/** The reason that a signal fired with, as it is stored. */
export function stopOf(reason: unknown): FailureRecord {
  return { ...describeFailure(reason), code: isModelkeepError(reason, 'timeout') ? 'timeout' : 'aborted' };
}

/** The same, for the signal of whoever makes the attempt. */
export function reasonOf({ code, message }: FailureRecord): Error {
  return code === 'timeout' ? new TimeoutError(message) : new AbortedError(message);
}
