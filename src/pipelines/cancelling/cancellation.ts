import { AbortedError, isModelkeepError } from '../../core/errors.ts';

/** Who had a run cancelled, and why. */
export interface CancelCause {
  /** Who did it; absent when that was not said. */
  readonly by?: string | undefined;
  /** Why; absent when that was not said. */
  readonly reason?: string | undefined;
}

/** That a run is to be cancelled: from when it is recorded, whoever works on the run stops it. */
export interface RunCancellation extends CancelCause {
  /** When it was asked for, epoch milliseconds. */
  readonly at: number;
  /** The round of the run that it is about, counted from 1: one that is resumed afterwards is in another. */
  readonly round: number;
}

/** A run as far as its cancelling is concerned. */
export interface CancellableRun {
  readonly round: number;
  /** That of an earlier round does not count. */
  readonly cancellation?: RunCancellation | undefined;
}

/** That the present round of a run is to be cancelled. */
export function cancellationOf({ cancellation, round }: CancellableRun): RunCancellation | undefined {
  return cancellation?.round === round ? cancellation : undefined;
}

/** The cause without what is not said. */
export function causeOf({ by, reason }: CancelCause): CancelCause {
  return { ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) };
}

/** Says who cancelled a run, and why, behind a sentence that says that it was cancelled. */
export function withCause(said: { readonly first: string; readonly then?: string }, { by, reason }: CancelCause = {}): string {
  return `${said.first}${by === undefined ? '' : ` by ${by}`}${said.then ?? ''}${reason === undefined ? '' : `: ${reason}`}`;
}

/** What the signals of a run and of its steps fire with when it is cancelled; the cause is absent when nobody has recorded it. */
export function cancelledError(first: string, cause: CancelCause | undefined): AbortedError {
  const message = withCause({ first }, cause);
  return new AbortedError(/[.!?]$/.test(message) ? message : `${message}.`, cause && { cancelled: causeOf(cause) });
}

/** By whom and why, when a signal fired because it is recorded that a run is to be cancelled. */
export function causeIn(reason: unknown): CancelCause | undefined {
  return isModelkeepError(reason, 'aborted') ? (reason.details as { readonly cancelled?: CancelCause }).cancelled : undefined;
}
