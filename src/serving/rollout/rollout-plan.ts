import type { PlannedGuardrail } from './guardrail.ts';

/** How a candidate comes to serve: by growing shares (`canary`), at once after a look at it (`blue-green`), or at once. */
export type RolloutStrategy = 'canary' | 'blue-green' | 'all-at-once';

/** A part of a rollout during which the shares of requests stay as they are. */
export interface RolloutStage {
  /** `shadow`: the candidate answers copies of requests, and nobody sees the answers; `step`: it serves a share; `keep`: it was promoted, and the version before is kept to go back to. */
  readonly kind: 'shadow' | 'step' | 'keep';
  /** The share of requests that the candidate serves, 0 to 1. */
  readonly weight: number;
  /** The share of requests that it is sent a copy of, 0 to 1. */
  readonly shadow: number;
  /** How long it lasts at least, in milliseconds; 0 for one that is only passed through. */
  readonly holdMs: number;
  /** How many requests the candidate, and the control where there is one, must have had before it ends. */
  readonly minSamples: number;
}

/** A rollout as it was checked and stored. */
export interface RolloutPlan {
  readonly strategy: RolloutStrategy;
  readonly stages: readonly RolloutStage[];
  readonly guardrails: readonly PlannedGuardrail[];
  readonly alpha: number;
  readonly everyMs: number;
  /** How much longer than its hold a stage may last before somebody is asked. */
  readonly maxHoldMs: number;
  readonly graceMs: number;
  readonly waitFor: 'verdicts' | 'time';
  readonly budgets: RolloutBudgets;
  readonly onError: 'pause' | 'roll-back';
  readonly force?: { readonly reason: string } | undefined;
  /** Absent: the id of the rollout. */
  readonly salt?: string | undefined;
}

/** How many verdicts of a kind a guardrail may have; the next one acts. */
export interface RolloutBudgets {
  readonly failed: number;
  readonly error: number;
  /** Absent: as many as there are in the time. */
  readonly inconclusive?: number | undefined;
}

/** The share of requests that serve as control of a stage: as large as that of the candidate where so much is left. The control of copies is all that is served. */
export function controlShare({ kind, weight }: RolloutStage): number {
  if (kind === 'shadow') return 1;
  return kind === 'step' ? Math.min(weight, 1 - weight) : 0;
}

/** The share of requests that reach the candidate in a stage, as answers or as copies. */
export function candidateShare({ kind, weight, shadow }: RolloutStage): number {
  return kind === 'shadow' ? shadow : weight;
}

/** The stages whose counts are judged together with those of a stage: the run of steps up to it in which the candidate and the control have shares of the same ratio. */
export function windowOf(plan: RolloutPlan, stage: number): readonly number[] {
  const window = [stage];
  for (let before = stage - 1; before >= 0 && areAlike(plan.stages[before]!, plan.stages[stage]!); before--) window.unshift(before);
  return window;
}

/** How many windows a rollout has: each begins its tests anew. */
export function windowCount({ stages }: RolloutPlan): number {
  return stages.filter((stage, i) => i === 0 || !areAlike(stages[i - 1]!, stage)).length;
}

function areAlike(a: RolloutStage, b: RolloutStage): boolean {
  return a.kind === 'step' && b.kind === 'step' && a.weight <= 0.5 && b.weight <= 0.5;
}
