import type { Logger } from '../core/logger.ts';
import type { AttemptOutcome } from './attempt.ts';
import { StepLog } from './logs/step-log.ts';
import type { RunHost } from './run-host.ts';
import type { RunHead } from './run-store.ts';
import { noTracker, StepTracking, type StepRun } from './step-tracking.ts';
import type { StepAttempt } from './step.ts';

/** What an attempt is given beside its inputs, and what has to be put away when it ends. */
export interface StepTools {
  readonly log: Logger;
  readonly track: () => Promise<StepRun>;
  /** Puts all away, and says how the attempt ended in the end. Never rejects. */
  end(outcome: AttemptOutcome): Promise<AttemptOutcome>;
}

/** The tools of one attempt. */
export function stepTools({ store, clock, logCharacters, tracker, onError }: RunHost, { startedAt }: Pick<RunHead, 'startedAt'>, attempt: StepAttempt): StepTools {
  const log = new StepLog({ storage: store.storage, key: store.logKey(attempt.id, attempt), attempt: attempt.attempt, clock, mostCharacters: logCharacters, onError });
  const tracking = tracker && new StepTracking(tracker, attempt, startedAt, onError);
  return {
    log,
    track: () => tracking?.start() ?? noTracker(attempt),
    async end(outcome) {
      const ended = tracking ? await tracking.end(outcome) : outcome;
      await log.close();
      return ended;
    },
  };
}
