import type { GuardrailStatus, GuardrailVerdict } from './guardrail.ts';
import { controlShare, type RolloutPlan, type RolloutStage } from './rollout-plan.ts';

/**
 * Where a rollout stands: in `shadow`, in a `step`, `promoting` (it is through, and the registry is about to be told), in `keep` (promoted, with the version before kept), `restoring` (the registry is about to be told to go back), or `ended`.
 */
export type RolloutPhase = 'shadow' | 'step' | 'promoting' | 'keep' | 'restoring' | 'ended';

/** What became of a rollout: the candidate was promoted; a guardrail failed; or somebody ended it, which is also what a promotion by hand does. */
export type RolloutOutcome = 'promoted' | 'rolled-back' | 'aborted';

/** What the looks at a guardrail have come to so far. */
export interface GuardrailTally {
  readonly status: GuardrailStatus;
  /** How many failed, in all of the rollout. */
  readonly failed: number;
  /** How many were errors, one after the other. */
  readonly error: number;
  /** How many were inconclusive, one after the other; counted where there is a budget of them. */
  readonly inconclusive: number;
}

/** A rollout as it is stored: what all processes go by. */
export interface RolloutState {
  readonly id: string;
  readonly model: string;
  readonly candidate: number;
  /** The version in production when it began. */
  readonly stable: number;
  readonly plan: RolloutPlan;
  readonly startedAt: number;
  readonly by?: string | undefined;
  readonly phase: RolloutPhase;
  /** Which stage it is in, or was in last. */
  readonly stage: number;
  /** When the present stage began, for checks. */
  readonly stageAt: number;
  /** Since when time counts towards the hold, and how much of it has passed before; it stands while paused. */
  readonly since: number;
  readonly heldMs: number;
  /** With so much time held somebody is asked. */
  readonly limitMs: number;
  readonly tallies: Readonly<Record<string, GuardrailTally>>;
  /** What the look found that changed something last. */
  readonly verdicts: readonly GuardrailVerdict[];
  readonly paused?: { readonly at: number; readonly by?: string | undefined; readonly reason: string } | undefined;
  /** Whether somebody went on although the arms do not have their shares. */
  readonly ratioAccepted?: boolean | undefined;
  /** By whom and why it is promoted, when not by itself. */
  readonly promotion?: { readonly by?: string | undefined; readonly reason: string; readonly force: boolean } | undefined;
  /** What it comes to when the registry has gone back. */
  readonly ending?: { readonly outcome: RolloutOutcome; readonly by?: string | undefined; readonly reason: string } | undefined;
  readonly outcome?: RolloutOutcome | undefined;
  readonly endedAt?: number | undefined;
  /** Why it stands where it stands. */
  readonly why: string;
}

/** What happens to a rollout. All that it comes to follows from these, in their order, so that its history can be replayed. */
export type RolloutInput =
  | { readonly type: 'start'; readonly id: string; readonly model: string; readonly candidate: number; readonly stable: number; readonly plan: RolloutPlan; readonly by?: string | undefined; readonly reason?: string | undefined }
  | { readonly type: 'look'; readonly verdicts: readonly GuardrailVerdict[]; readonly samples: { readonly candidate: number; readonly control: number } }
  | { readonly type: 'pause' | 'resume' | 'abort'; readonly by?: string | undefined; readonly reason: string }
  | { readonly type: 'promote'; readonly by?: string | undefined; readonly reason: string; readonly force: boolean }
  /** The registry has the candidate in production. */
  | { readonly type: 'promoted' }
  /** The registry refused to promote it. */
  | { readonly type: 'refused'; readonly reason: string }
  /** The registry has another version in production than the rollout knows of. */
  | { readonly type: 'superseded'; readonly production?: number | undefined }
  /** The registry has gone back. */
  | { readonly type: 'restored' }
  /** The registry cannot go back: the version before is there no more, or is not to be used. */
  | { readonly type: 'stranded'; readonly reason: string };

/** What is to be done after a step of the reducer: route requests anew, have the registry promote or go back, or tell that it is over. */
export type RolloutAction = 'route' | 'promote' | 'restore' | 'end';

/** Where requests go, as the router reads it; it is replaced as a whole when it changes. */
export interface Traffic {
  /** The version that serves what nothing else takes; absent when no rollout says which: it is the one in production then. */
  readonly stable?: number | undefined;
  /** The version that is rolled out; absent when there is none. */
  readonly candidate?: CandidateTraffic | undefined;
}

/** Which requests a candidate gets. */
export interface CandidateTraffic {
  /** The version. */
  readonly version: number;
  /** The share of requests that it answers, 0 to 1. */
  readonly weight: number;
  /** The share of requests that the stable version answers as its control, 0 to 1. */
  readonly controlWeight: number;
  /** The share of requests of which it is sent a copy, 0 to 1. */
  readonly shadow: number;
  /** What keys are hashed with, the same in all stages, so that who is in stays in. */
  readonly salt: string;
}

/** The stage that a rollout is in. */
export function stageOf({ plan, stage }: RolloutState): RolloutStage | undefined {
  return plan.stages[stage];
}

/** How much of its hold has passed. */
export function heldAt(state: RolloutState, now: number): number {
  return state.heldMs + (state.paused ? 0 : Math.max(0, now - state.since));
}

/** Where requests go in a state. */
export function trafficOf(state: RolloutState | undefined): Traffic {
  if (state === undefined || state.phase === 'ended') return {};
  if (state.phase === 'restoring') return { stable: state.stable };
  const stage = stageOf(state);
  const candidate = { version: state.candidate, salt: state.plan.salt ?? state.id };
  // What comes straight to its promotion takes no requests before it.
  if (stage === undefined) return { stable: state.stable, candidate: { ...candidate, weight: 0, controlWeight: 0, shadow: 0 } };
  return { stable: state.stable, candidate: { ...candidate, weight: stage.weight, controlWeight: stage.kind === 'step' ? controlShare(stage) : 0, shadow: stage.shadow } };
}
