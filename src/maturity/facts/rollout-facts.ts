import type { GuardrailVerdict } from '../../serving/rollout/guardrail.ts';
import type { RolloutEvent } from '../../serving/rollout/rollout-event.ts';
import type { RolloutPlan } from '../../serving/rollout/rollout-plan.ts';
import { sampleRatio } from '../../serving/rollout/rollout-reducer.ts';
import type { RolloutOutcome } from '../../serving/rollout/rollout-state.ts';
import { RolloutStore } from '../../serving/rollout/rollout-store.ts';
import type { Assessment } from './assessment.ts';

/** A rollout as its history tells it. */
export interface RolloutFacts {
  readonly id: string;
  readonly candidate: number;
  readonly stable: number;
  readonly startedAt: number;
  /** What it judges by. */
  readonly plan: RolloutPlan;
  /** When the registry had promoted the candidate. */
  readonly promotedAt?: number | undefined;
  /** When it was known that the candidate must go, and that it had. */
  readonly wentWrongAt?: number | undefined;
  readonly outcome?: RolloutOutcome | undefined;
  readonly endedAt?: number | undefined;
  /** Whether a person had it promoted before its time. */
  readonly byHand: boolean;
  /** Whether gates were overridden. */
  readonly forced: boolean;
  /** Whether somebody went on although the arms did not have their shares. */
  readonly skewed: boolean;
  /** Whether the registry refused to promote it, or a guardrail failed. */
  readonly refused: boolean;
  /** What the guardrails said at the last look that is kept. */
  readonly verdicts: readonly GuardrailVerdict[];
}

interface Input {
  readonly type: string;
  readonly plan?: RolloutPlan;
  readonly verdicts?: readonly GuardrailVerdict[];
  readonly force?: boolean;
}

type Draft = { -readonly [K in keyof RolloutFacts]: RolloutFacts[K] };

const mostRollouts = 200;
const eventsAtOnce = 200;

/** Reads the rollouts of a model, oldest first; of very many the newest. */
export async function readRollouts({ storage, clock, now, signal }: Assessment, model: string): Promise<RolloutFacts[]> {
  const store = new RolloutStore(storage, model, clock);
  const rollouts = new Map<string, Draft>();
  let after: number | undefined = 0;
  while (after !== undefined) {
    const page = await store.page(after, eventsAtOnce, signal);
    for (const event of page.events as readonly RolloutEvent[]) if (event.at <= now) take(rollouts, event);
    while (rollouts.size > mostRollouts) rollouts.delete(rollouts.keys().next().value!);
    after = page.next;
  }
  return [...rollouts.values()];
}

function take(rollouts: Map<string, Draft>, { type, at, data }: RolloutEvent): void {
  const input = data.input as unknown as Input;
  if (type === 'started' && input.plan) {
    const { rollout: id, candidate, stable } = data;
    rollouts.set(id, { id, candidate, stable, startedAt: at, plan: input.plan, byHand: false, forced: input.plan.force !== undefined, skewed: false, refused: false, verdicts: [] });
    return;
  }
  const rollout = rollouts.get(data.rollout);
  if (rollout === undefined) return;
  if (input.type === 'look' && input.verdicts) rollout.verdicts = input.verdicts;
  if (input.type === 'promote') {
    rollout.byHand = true;
    rollout.forced ||= input.force === true;
  }
  if (input.type === 'refused') rollout.refused = true;
  if (type === 'resumed' && isSkewed(rollout.verdicts)) rollout.skewed = true;
  if (type === 'promoted') rollout.promotedAt = at;
  if (type === 'restoring') rollout.wentWrongAt = at;
  if (data.outcome === undefined) return;
  rollout.outcome = data.outcome;
  rollout.endedAt = at;
  if (data.outcome === 'rolled-back') {
    rollout.refused = true;
    rollout.wentWrongAt ??= at;
  }
}

function isSkewed(verdicts: readonly GuardrailVerdict[]): boolean {
  return verdicts.some(({ guardrail, status }) => guardrail === sampleRatio && status === 'inconclusive');
}
