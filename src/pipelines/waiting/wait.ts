/** No date is later, in epoch milliseconds. */
export const lastMoment = 8.64e15;

/** What a step may wait for: a moment, or the word of a person. */
export type WaitKind = 'sleep' | 'approval' | 'quarantine';

/** What a step waits for. */
export interface StepWait {
  /** `sleep`: a moment. `approval`: that somebody approves or rejects. `quarantine`: that somebody releases or rejects what was set aside. */
  readonly kind: WaitKind;
  /** Since when, epoch milliseconds. */
  readonly since: number;
  /** Until when at most, epoch milliseconds; absent for a wait without end. */
  readonly until?: number | undefined;
  /** What a person is asked, or why something was set aside; absent when nobody is asked. */
  readonly asks?: string | undefined;
  /** Who may decide; absent when anybody may. */
  readonly approvers?: readonly string[] | undefined;
  /** What becomes of it when nobody has decided by then. */
  readonly onExpiry?: 'approve' | 'release' | 'reject' | undefined;
}

/** A step of a run that waits for somebody. */
export interface WaitingStep extends StepWait {
  /** Id of the run. */
  readonly run: string;
  /** Name of the pipeline. */
  readonly pipeline: string;
  /** Name of the step. */
  readonly step: string;
}

/** Who may end a wait, and how long it lasts from its beginning. */
export interface WaitBounds extends Pick<StepWait, 'approvers' | 'onExpiry'> {
  readonly forMs?: number | undefined;
}

/** What the work of a step returns to have the step wait. */
export class WaitTerms {
  readonly #terms: Omit<StepWait, 'since'> & WaitBounds;
  /** What is set aside meanwhile; absent when nothing is. */
  readonly held: { readonly value: unknown } | undefined;

  /** @param terms - The end is a moment, or counts from the beginning of the wait. */
  constructor(terms: Omit<StepWait, 'since'> & WaitBounds, held?: { readonly value: unknown }) {
    this.#terms = terms;
    this.held = held;
  }

  /** The same wait with something else set aside. */
  holding(value: unknown): WaitTerms {
    return new WaitTerms(this.#terms, { value });
  }

  /** The wait that begins now: its end is fixed by that. */
  beginning(now: number): StepWait {
    const { forMs, until, ...terms } = this.#terms;
    const end = until ?? (forMs === undefined ? undefined : Math.min(now + forMs, lastMoment));
    return { ...terms, since: now, ...(end !== undefined && { until: end }) };
  }
}

/** Whether a person ends the wait, and not the time alone: a run in which nothing else goes on need not be in memory meanwhile. */
export function isForPerson({ kind }: Pick<StepWait, 'kind'>): boolean {
  return kind !== 'sleep';
}

/** A moment for people. */
export function moment(at: number): string {
  return new Date(at).toISOString();
}
