import { Trial, type TrialEnd, type TrialParts, type TrialSubject } from './trial.ts';
import type { UnitName } from './units.ts';

/** Makes the attempts of one run, wherever that is. */
export interface AttemptMaker {
  /** Makes an attempt, once. Rejects with what fails outside of the step's own work. */
  make(subject: TrialSubject): Promise<TrialEnd>;
  /** Is told that the end of a unit is recorded, so that nobody asks for its attempts again. */
  recorded(unit: UnitName): void;
  /** Ends the work for the run: nothing more is made. Never rejects. */
  stop(over: boolean): Promise<void>;
}

/** Is told that the work of an attempt begins. */
export type WorkListener = TrialParts['onWork'];

/** Makes attempts in this process. */
export function attemptsHere(parts: TrialParts): AttemptMaker {
  return { make: (subject) => new Trial(parts, subject).make(), recorded: () => undefined, stop: () => Promise.resolve() };
}
