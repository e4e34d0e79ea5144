import { withCause, type CancelCause } from './cancellation.ts';

/** Why a run is stopped. */
export type StopReason = 'cancelled' | 'run-timeout';

/** Where a step was when its run was stopped. */
export type StoppedWhen = 'before' | 'during' | 'waiting';

const moments: Readonly<Record<StoppedWhen, string>> = { before: ' before it ran', during: ' while it ran', waiting: ' while it waited' };

/** Why a step did not come to its end, by what stopped the run before it ran, or while it ran or waited. */
export function becauseOf(reason: StopReason, when: StoppedWhen, cause: CancelCause | undefined): string {
  const then = moments[when];
  return reason === 'cancelled' ? withCause({ first: 'the run was cancelled', then }, cause) : `the run passed its timeout${then}`;
}
