import type { Logger } from '../core/logger.ts';
import type { AttemptOutcome } from './attempt.ts';
import { StepLog } from './logs/step-log.ts';
import type { RunHost } from './run-host.ts';
import type { StepAttempt } from './step.ts';

/** What an attempt is given beside its inputs, and what has to be put away when it ends. */
export interface StepTools {
  readonly log: Logger;
  /** Puts all away, and says how the attempt ended in the end. Never rejects. */
  end(outcome: AttemptOutcome): Promise<AttemptOutcome>;
}

/** The tools of one attempt. */
export function stepTools({ store, clock, logCharacters, onError }: RunHost, { id, step, attempt }: StepAttempt): StepTools {
  const log = new StepLog({ storage: store.storage, key: store.logKey(id, step), attempt, clock, mostCharacters: logCharacters, onError });
  return {
    log,
    async end(outcome) {
      await log.close();
      return outcome;
    },
  };
}
