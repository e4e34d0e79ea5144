import type { GuardrailVerdict } from './guardrail.ts';
import { controlShare } from './rollout-plan.ts';
import { heldAt, stageOf, trafficOf, type GuardrailTally, type RolloutAction, type RolloutInput, type RolloutState } from './rollout-state.ts';

/** A step of a rollout: the next state, and what is to be done. The state is the very one that was given when nothing changes. */
export type RolloutStepResult = readonly [state: RolloutState, actions: readonly RolloutAction[]];

type Look = Extract<RolloutInput, { type: 'look' }>;
type Start = Extract<RolloutInput, { type: 'start' }>;

/** The guardrail that every comparison rests on: that the arms have the shares that they should have. */
export const sampleRatio = 'sample_ratio';

/**
 * What a rollout comes to by one input, and what is to be done then. Pure: the same inputs at the same times give the same states, so that a history can be replayed. Once a rollout has ended, nothing moves it.
 *
 * @param state - Where it stands; `undefined` before its start, which alone begins one.
 */
export function reduceRollout(state: RolloutState | undefined, input: RolloutInput, now: number): RolloutStepResult {
  if (input.type === 'start') return withActions(undefined, begin(input, now));
  if (state === undefined) throw new RangeError(`A rollout begins with 'start', not with '${input.type}'.`);
  return state.phase === 'ended' ? [state, []] : withActions(state, next(state, input, now));
}

function begin({ id, model, candidate, stable, plan, by, reason }: Start, now: number): RolloutState {
  const fresh: RolloutState = { id, model, candidate, stable, plan, startedAt: now, by, phase: 'step', stage: -1, stageAt: now, since: now, heldMs: 0, limitMs: 0, tallies: {}, verdicts: [], why: reason ?? 'It was started.' };
  return enter(fresh, 0, reason ?? 'It was started.', now);
}

function next(state: RolloutState, input: Exclude<RolloutInput, Start>, now: number): RolloutState {
  switch (input.type) {
    case 'look':
      return look(state, input, now);
    case 'pause':
      return isWatched(state) ? pause(state, input, now) : state;
    case 'resume':
      return resume(state, input.reason, now);
    case 'abort':
      return state.phase === 'restoring' ? state : end(state, 'aborted', input, now);
    case 'promote':
      return promote(state, input, now);
    case 'promoted':
      return state.phase === 'keep' || state.phase === 'restoring' ? state : afterPromotion(state, now);
    case 'refused':
      return state.phase === 'promoting' ? pause(state, input, now) : state;
    case 'superseded':
      return superseded(state, input.production, now);
    case 'restored':
      return state.phase === 'restoring' ? ended(state, state.ending!.outcome, state.ending!.reason, now) : state;
    case 'stranded':
      return state.phase === 'restoring' ? ended(state, 'aborted', `${state.ending!.reason} ${input.reason}`, now) : state;
  }
}

function withActions(before: RolloutState | undefined, after: RolloutState): RolloutStepResult {
  if (before === after) return [after, []];
  const actions: RolloutAction[] = [];
  if (JSON.stringify(trafficOf(before)) !== JSON.stringify(trafficOf(after))) actions.push('route');
  if (after.phase === 'promoting' && (before?.phase !== 'promoting' || (before.paused && !after.paused))) actions.push('promote');
  if (after.phase === 'restoring' && before?.phase !== 'restoring') actions.push('restore');
  if (after.phase === 'ended') actions.push('end');
  return [after, actions];
}

/** Whether requests of it are watched. */
function isWatched({ phase }: RolloutState): boolean {
  return phase === 'shadow' || phase === 'step' || phase === 'keep';
}

function look(state: RolloutState, input: Look, now: number): RolloutState {
  if (!isWatched(state)) return state;
  const after = judged(tallied(state, input.verdicts, now), input, now);
  return after === state ? state : { ...after, verdicts: input.verdicts };
}

function judged(state: RolloutState, { verdicts, samples }: Look, now: number): RolloutState {
  const { plan, tallies } = state;
  const { budgets } = plan;
  const beyond = (count: (tally: GuardrailTally) => boolean): GuardrailVerdict | undefined => verdicts.find(({ guardrail }) => count(tallies[guardrail]!));
  const failed = beyond((tally) => tally.failed > budgets.failed);
  if (failed) return end(state, 'rolled-back', { reason: `Guardrail '${failed.guardrail}' failed: ${failed.reason}` }, now);
  if (state.paused) return state;
  const broken = beyond((tally) => tally.error > budgets.error);
  if (broken) {
    const reason = `Guardrail '${broken.guardrail}' could not be looked at ${tallies[broken.guardrail]!.error} times in a row: ${broken.reason}`;
    return plan.onError === 'pause' ? pause(state, { reason }, now) : end(state, 'rolled-back', { reason }, now);
  }
  const skewed = state.ratioAccepted ? undefined : verdicts.find(({ cause }) => cause === 'sample-ratio');
  if (skewed) return pause(state, { reason: skewed.reason }, now);
  const undecided = beyond((tally) => tally.inconclusive > (budgets.inconclusive ?? Infinity));
  if (undecided) return pause(state, { reason: `Guardrail '${undecided.guardrail}' was inconclusive ${tallies[undecided.guardrail]!.inconclusive} times in a row: ${undecided.reason}` }, now);
  return moveOn(state, verdicts, samples, now);
}

/** Leaves the stage when its time is over and nothing is open, and asks somebody when that takes too long. */
function moveOn(state: RolloutState, verdicts: readonly GuardrailVerdict[], samples: Look['samples'], now: number): RolloutState {
  const stage = stageOf(state)!;
  const held = heldAt(state, now);
  if (held < stage.holdMs) return state;
  const open = openQuestion(state, verdicts, samples);
  if (open === undefined) return stage.kind === 'keep' ? ended(state, 'promoted', 'The candidate was promoted and held up since.', now) : enter(state, state.stage + 1, 'The stage before held up.', now);
  return held < state.limitMs ? state : pause(state, { reason: `This stage is over its longest time, and ${open}` }, now);
}

/** Why a stage cannot be left though its time is over. */
function openQuestion(state: RolloutState, verdicts: readonly GuardrailVerdict[], samples: Look['samples']): string | undefined {
  const stage = stageOf(state)!;
  // What is only passed through, or was promoted already, waits for nothing.
  if (state.plan.waitFor === 'time' || stage.kind === 'keep' || (stage.holdMs === 0 && stage.minSamples === 0)) return undefined;
  const fewest = controlShare(stage) > 0 ? Math.min(samples.candidate, samples.control) : samples.candidate;
  if (fewest < stage.minSamples) return `an arm has ${fewest} of the ${stage.minSamples} requests that it needs.`;
  const open = verdicts.find(({ status, cause }) => status !== 'success' && !(cause === 'sample-ratio' && state.ratioAccepted));
  return open && `guardrail '${open.guardrail}' is ${open.status}: ${open.reason}`;
}

function tallied(state: RolloutState, verdicts: readonly GuardrailVerdict[], now: number): RolloutState {
  let changed = false;
  const tallies: Record<string, GuardrailTally> = { ...state.tallies };
  for (const verdict of verdicts) {
    const before = tallies[verdict.guardrail];
    const after = tallyOf(before, verdict, state, now);
    if (before && before.status === after.status && before.failed === after.failed && before.error === after.error && before.inconclusive === after.inconclusive) continue;
    tallies[verdict.guardrail] = after;
    changed = true;
  }
  return changed ? { ...state, tallies } : state;
}

function tallyOf(before: GuardrailTally | undefined, { status, cause }: GuardrailVerdict, state: RolloutState, now: number): GuardrailTally {
  const { failed = 0, error = 0, inconclusive = 0 } = before ?? {};
  const waits = (cause === 'no-data' || cause === 'few-samples') && heldAt(state, now) < state.plan.graceMs;
  const counted = status === 'inconclusive' && state.plan.budgets.inconclusive !== undefined && !state.paused && !waits;
  return {
    status,
    failed: failed + (status === 'failed' ? 1 : 0),
    // Those that nobody acts on while it is paused are not counted either.
    error: status !== 'error' ? 0 : state.paused ? error : error + 1,
    inconclusive: counted ? inconclusive + 1 : status === 'inconclusive' ? inconclusive : 0,
  };
}

function pause(state: RolloutState, { by, reason }: { readonly by?: string | undefined; readonly reason: string }, now: number): RolloutState {
  return state.paused ? state : { ...state, heldMs: heldAt(state, now), since: now, paused: { at: now, by, reason }, why: reason };
}

function resume(state: RolloutState, why: string, now: number): RolloutState {
  if (!state.paused) return state;
  const tallies = Object.fromEntries(Object.entries(state.tallies).map(([name, tally]) => [name, { ...tally, error: 0, inconclusive: 0 }]));
  const skewed = state.tallies[sampleRatio]?.status === 'inconclusive';
  return { ...state, paused: undefined, since: now, limitMs: Math.max(state.limitMs, state.heldMs + state.plan.maxHoldMs), tallies, why, ...(skewed && { ratioAccepted: true }) };
}

function promote(state: RolloutState, { by, reason, force }: Extract<RolloutInput, { type: 'promote' }>, now: number): RolloutState {
  if (state.phase === 'restoring') return state;
  if (state.phase === 'keep') return ended(state, 'promoted', reason, now);
  if (state.phase === 'promoting' && !state.paused) return state;
  return { ...state, phase: 'promoting', promotion: { by, reason, force }, paused: undefined, why: reason };
}

/** Enters a stage, or the promotion where that is what comes next. */
function enter(state: RolloutState, stage: number, why: string, now: number): RolloutState {
  const next = state.plan.stages[stage];
  if (next === undefined || next.kind === 'keep') return { ...state, phase: 'promoting', heldMs: heldAt(state, now), since: now, why };
  return { ...state, ...stageStart(state, stage, now), phase: next.kind, why };
}

function afterPromotion(state: RolloutState, now: number): RolloutState {
  const last = state.plan.stages.length - 1;
  if (state.plan.stages[last]?.kind !== 'keep') return ended(state, 'promoted', state.promotion?.reason ?? 'All stages held up.', now);
  return { ...state, ...stageStart(state, last, now), phase: 'keep', paused: undefined, why: 'The candidate was promoted, and the version before is kept.' };
}

function stageStart({ plan }: RolloutState, stage: number, now: number): Pick<RolloutState, 'stage' | 'stageAt' | 'since' | 'heldMs' | 'limitMs'> {
  return { stage, stageAt: now, since: now, heldMs: 0, limitMs: plan.stages[stage]!.holdMs + plan.maxHoldMs };
}

/** Ends it because somebody else changed what is in production: what they decided stands. */
function superseded({ ending, ...state }: RolloutState, production: number | undefined, now: number): RolloutState {
  const why = `${production === undefined ? 'No version is' : `Version ${production} is`} in production, which this rollout did not bring there: what was decided by hand stands.`;
  return ended(state, ending?.outcome ?? 'aborted', ending ? `${ending.reason} ${why}` : why, now);
}

/** Ends it without the candidate: at once, or, where the registry may have promoted it, when that has gone back. */
function end(state: RolloutState, outcome: 'rolled-back' | 'aborted', { by, reason }: { readonly by?: string | undefined; readonly reason: string }, now: number): RolloutState {
  if (state.phase === 'shadow' || state.phase === 'step') return ended(state, outcome, reason, now);
  return { ...state, phase: 'restoring', ending: { outcome, by, reason }, paused: undefined, why: reason };
}

function ended(state: RolloutState, outcome: RolloutState['outcome'], why: string, now: number): RolloutState {
  return { ...state, phase: 'ended', outcome, endedAt: now, paused: undefined, why };
}
