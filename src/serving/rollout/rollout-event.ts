import type { AuditEvent, NewAuditEvent } from '../../core/audit.ts';
import { heldAt, trafficOf, type RolloutInput, type RolloutOutcome, type RolloutPhase, type RolloutState } from './rollout-state.ts';

/**
 * What happened to a rollout: it was `started`; a look at the guardrails found something else than before (`judged`); it went on to a stage (`stage-entered`); it was `paused` or `resumed`; it is about to be promoted (`promoting`) and was
 * (`promoted`); the version before is not kept any longer (`completed`); it goes back by the registry (`restoring`); it ended without the candidate, by a guardrail (`rolled-back`) or by somebody (`aborted`).
 */
export type RolloutEventType = 'started' | 'judged' | 'stage-entered' | 'paused' | 'resumed' | 'promoting' | 'promoted' | 'completed' | 'restoring' | 'rolled-back' | 'aborted';

/** The facts of a change of a rollout. */
export interface RolloutEventData {
  /** Id of the rollout. */
  readonly rollout: string;
  /** The version that is rolled out. */
  readonly candidate: number;
  /** The version that it is to take the place of. */
  readonly stable: number;
  /** Where it stands since. */
  readonly phase: RolloutPhase;
  /** The stage, counted from 0. */
  readonly stage: number;
  /** The share of requests that the candidate answers since, 0 to 1. */
  readonly weight: number;
  /** How it ended; absent while it goes on. */
  readonly outcome?: RolloutOutcome | undefined;
  /** Why, in words. */
  readonly why: string;
  /** What brought it about: the whole evidence, from which the rollout can be replayed. */
  readonly input: Readonly<Record<string, unknown>> & {
    /** What kind of thing it was, such as `look` or `abort`. */
    readonly type: string;
  };
  /** Epoch milliseconds by which it was decided. */
  readonly decidedAt: number;
}

/** One change of a rollout, in the history of its deployment. */
export type RolloutEvent = AuditEvent<RolloutEventType, RolloutEventData>;

/** The event that tells of a step of the reducer. */
export function eventOf(before: RolloutState | undefined, after: RolloutState, input: RolloutInput, now: number): NewAuditEvent<RolloutEventType, RolloutEventData> {
  const actor = 'by' in input ? { by: input.by, reason: input.reason } : {};
  return {
    type: typeOf(before, after),
    ...actor,
    subject: { kind: 'deployment', id: after.model },
    data: {
      rollout: after.id,
      candidate: after.candidate,
      stable: after.stable,
      phase: after.phase,
      stage: after.stage,
      weight: after.outcome === 'promoted' ? 1 : (trafficOf(after).candidate?.weight ?? 0),
      outcome: after.outcome,
      why: after.why,
      input: { ...input },
      decidedAt: now,
    },
  };
}

function typeOf(before: RolloutState | undefined, after: RolloutState): RolloutEventType {
  if (before === undefined) return 'started';
  if (after.phase === 'ended') return after.outcome === 'promoted' ? (before.phase === 'keep' ? 'completed' : 'promoted') : after.outcome!;
  if (after.phase !== before.phase && (after.phase === 'promoting' || after.phase === 'restoring')) return after.phase;
  if (after.phase === 'keep' && before.phase !== 'keep') return 'promoted';
  if (after.paused && !before.paused) return 'paused';
  if (before.paused && !after.paused) return 'resumed';
  return after.stage === before.stage ? 'judged' : 'stage-entered';
}

/** When the hold of the present stage is over; `undefined` where nothing is to come by itself. */
export function holdEndsAt(state: RolloutState, now: number): number | undefined {
  const stage = state.plan.stages[state.stage];
  if (stage === undefined || state.paused || !['shadow', 'step', 'keep'].includes(state.phase)) return undefined;
  return now + Math.max(0, stage.holdMs - heldAt(state, now));
}
