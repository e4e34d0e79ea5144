import type { GuardrailVerdict } from './guardrail.ts';
import { holdEndsAt } from './rollout-event.ts';
import type { RolloutStrategy } from './rollout-plan.ts';
import { stageOf, trafficOf, type RolloutOutcome, type RolloutPhase, type RolloutState } from './rollout-state.ts';

/** Where a rollout stands. */
export interface RolloutStatus {
  /** Its id. */
  readonly id: string;
  /** The version that is rolled out. */
  readonly candidate: number;
  /** The version that it is to take the place of. */
  readonly stable: number;
  /** How it comes to serve. */
  readonly strategy: RolloutStrategy;
  /** Where it stands. */
  readonly phase: RolloutPhase;
  /** Which of its stages it is in, or was in last, counted from 0: a shadow, the steps, and the time in which the version before is kept. -1 before any. */
  readonly stage: number;
  /** How many stages it has. */
  readonly stages: number;
  /** Percent of requests that the candidate answers. */
  readonly weight: number;
  /** What the guardrails say by all that was counted, or said last when it has ended. */
  readonly verdicts: readonly GuardrailVerdict[];
  /** Why it stands where it stands, in words. */
  readonly why: string;
  /** When it was paused, by whom and why; absent while it goes on. */
  readonly paused?:
    | {
        /** Epoch milliseconds. */
        readonly at: number;
        /** By whom; absent when it paused by itself, or nobody said. */
        readonly by?: string | undefined;
        /** Why. */
        readonly reason: string;
      }
    | undefined;
  /** Epoch milliseconds when the hold of this stage is over; absent where nothing is to come by itself. */
  readonly nextAt?: number | undefined;
  /** Epoch milliseconds when it was started. */
  readonly startedAt: number;
  /** Who started it. */
  readonly by?: string | undefined;
  /** How it ended; absent while it goes on. */
  readonly outcome?: RolloutOutcome | undefined;
  /** Epoch milliseconds when it ended; absent while it goes on. */
  readonly endedAt?: number | undefined;
}

/** A rollout as callers see it. */
export function statusOf(state: RolloutState, verdicts: readonly GuardrailVerdict[], now: number): RolloutStatus {
  const { id, candidate, stable, plan, phase, stage, why, paused, startedAt, by, outcome, endedAt } = state;
  const weight = outcome === 'promoted' ? 1 : (trafficOf(state).candidate?.weight ?? 0);
  return { id, candidate, stable, strategy: plan.strategy, phase, stage, stages: plan.stages.length, weight: 100 * weight, verdicts, why, paused, nextAt: holdEndsAt(state, now), startedAt, by, outcome, endedAt };
}

/** Whether its guardrails are looked at. */
export function isWatched(state: RolloutState): boolean {
  return stageOf(state)?.kind === state.phase;
}
