import { shareEvidence } from '../../stats/experiments/share-evidence.ts';
import type { ArmCounts } from './arm-counts.ts';
import type { GuardrailVerdict, PlannedBound, PlannedComparison } from './guardrail.ts';
import { boundTest, comparisonTest, valuesOf, type ComparedArms, type GuardrailTest } from './guardrail-tests.ts';
import { candidateShare, controlShare, windowCount, type RolloutPlan, type RolloutStage } from './rollout-plan.ts';
import { sampleRatio } from './rollout-reducer.ts';

/** What was counted in the stages that are judged together. */
export interface StageEvidence {
  readonly candidate: ArmCounts;
  readonly control: ArmCounts;
  /** How many processes counted. */
  readonly writers: number;
}

type Measured = PlannedBound | PlannedComparison;

/** The chance of a false alarm that each guardrail may use up in each part of the rollout that begins its tests anew, so that all together have that of the plan. */
export function sharedAlpha(plan: RolloutPlan): number {
  const measured = plan.guardrails.filter(({ kind }) => kind !== 'check').length;
  return plan.alpha / Math.max(1, measured * windowCount(plan));
}

/** What a guardrail comes to by what was counted. */
export function judgeGuardrail(guardrail: Measured, evidence: StageEvidence, stage: RolloutStage, alpha: number): GuardrailVerdict {
  const compared = guardrail.kind === 'comparison';
  const samples = { candidate: valuesOf(guardrail.metric, evidence.candidate), control: compared ? valuesOf(guardrail.metric, evidence.control) : 0 };
  const facts = { guardrail: guardrail.name, samples, alpha };
  if (compared && controlShare(stage) === 0) return { ...facts, status: 'success', reason: 'Nothing is left of the requests to compare with, so that it is not judged here.' };
  if (guardrail.metric.kind === 'values' && stage.kind === 'shadow') return { ...facts, status: 'success', reason: 'Nobody sees answers to copies of requests, so that there is no feedback to judge.' };
  const fewest = compared ? Math.min(samples.candidate, samples.control) : samples.candidate;
  if (fewest === 0) return { ...facts, status: 'inconclusive', cause: 'no-data', reason: `There is no value of the ${samples.candidate === 0 ? 'candidate' : 'control'} yet.` };
  const test = testOf(guardrail, evidence, stage);
  const { candidate, control, limit } = test;
  return { ...facts, candidate, control, limit, ...decide(guardrail, test, fewest, alpha) };
}

// Evidence at so many times the level that would be enough keeps a stage from being left.
const suspicion = 10;

function decide(guardrail: Measured, test: GuardrailTest, fewest: number, alpha: number): Pick<GuardrailVerdict, 'status' | 'cause' | 'reason'> {
  const { needs, exact, candidate, control, limit } = test;
  const needed = Math.max(needs, guardrail.minSamples);
  const side = guardrail.kind === 'bound' ? (guardrail.side === 'max' ? 'above' : 'below') : worseSide(guardrail);
  const than = `${shownNumber(limit)}${control === undefined ? '' : `, where the control has ${shownNumber(control)}`}`;
  if (!test.blind && (exact || fewest >= needed) && test.harm(alpha)) return { status: 'failed', reason: `the candidate's ${shownNumber(candidate)} is ${side} ${than}, for sure.` };
  if (test.overflown) return { status: 'inconclusive', cause: 'undecided', reason: 'values are so large that their sums are beyond 1.8e308, so that nothing is known of their mean; give them in a larger unit.' };
  if (fewest < needed) return { status: 'inconclusive', cause: 'few-samples', reason: `there are ${fewest} of the ${needed} values that it needs.` };
  if (test.harm(Math.min(0.5, suspicion * alpha))) return { status: 'inconclusive', cause: 'undecided', reason: `the candidate's ${shownNumber(candidate)} seems to be ${side} ${than}.` };
  if (guardrail.require === 'proof' && !test.kept(alpha)) return { status: 'inconclusive', cause: 'undecided', reason: `it is not shown yet that the candidate's ${shownNumber(candidate)} is not ${side} ${than}.` };
  return { status: 'success', reason: `the candidate's ${shownNumber(candidate)} is ${guardrail.require === 'proof' ? 'not' : 'not known to be'} ${side} ${than}.` };
}

function testOf(guardrail: Measured, { candidate, control }: StageEvidence, stage: RolloutStage): GuardrailTest {
  if (guardrail.kind === 'bound') return boundTest(guardrail, candidate);
  const arms: ComparedArms = { candidate, control, shares: { candidate: candidateShare(stage), control: controlShare(stage) } };
  return comparisonTest(guardrail, arms);
}

function worseSide({ goal }: PlannedComparison): 'above' | 'below' {
  return goal === 'decrease' ? 'above' : 'below';
}

function shownNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}

// As small as is usual for this check: it stops a rollout for good reason only.
const ratioAlpha = 0.001;

/**
 * Whether the candidate and the control of a step came to the shares of keys that they should have, by a sequential test on both sides (Lindon and Malek 2022 look at the counts of an experiment so); copies, of which some may be dropped, are not
 * asked. A key that several processes saw was counted by each: the counts are taken as that many times smaller, which is right when all did and careful when not.
 */
export function judgeSampleRatio({ candidate, control, writers }: StageEvidence, stage: RolloutStage): GuardrailVerdict | undefined {
  if (stage.kind !== 'step' || controlShare(stage) === 0) return undefined;
  const expected = candidateShare(stage) / (candidateShare(stage) + controlShare(stage));
  const many = Math.max(1, writers);
  const [hits, all] = [candidate.units / many, (candidate.units + control.units) / many];
  const level = -Math.log(ratioAlpha / 2);
  const off = shareEvidence(hits, all, expected) >= level || shareEvidence(all - hits, all, 1 - expected) >= level;
  const facts = { guardrail: sampleRatio, samples: { candidate: candidate.units, control: control.units }, alpha: ratioAlpha };
  if (!off) return { ...facts, status: 'success', reason: 'The arms have their shares.' };
  const share = shownNumber(candidate.units / (candidate.units + control.units));
  return { ...facts, status: 'inconclusive', cause: 'sample-ratio', reason: `The candidate has ${share} of the keys of both arms in place of ${shownNumber(expected)}: something loses requests of one arm, and no comparison of them means what it says.` };
}
