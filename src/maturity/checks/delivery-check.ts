import type { RecordRef } from '../../core/record-ref.ts';
import { sampleRatio } from '../../serving/rollout/rollout-reducer.ts';
import type { ModelFacts } from '../facts/model-facts.ts';
import type { RolloutFacts } from '../facts/rollout-facts.ts';
import type { ShippedTest } from '../facts/test-facts.ts';
import { isNamed } from '../maturity-policy.ts';
import { unknown, versionRefOf, type CheckDefinition, type Finding } from './check.ts';
import { promotionsOf } from './version-checks.ts';

const canary = "Bring versions into production by deployment.startRollout() with guardrails, some of which compare with the stable version, and let it promote them; or end an A/B test with test.stop({ ship, decision: await test.analyze(), by: 'ci' }).";

// A server's clock tells when a version was promoted, a client's when its rollout was.
const skewMs = 300_000;

/** C4: the version in production was promoted by a policy, on the numbers of a canary or a test. */
async function judgeDelivery(facts: ModelFacts): Promise<Finding> {
  const { production, assessment } = facts;
  const promotion = promotionsOf(await facts.changes()).findLast(({ data }) => data.version === production);
  if (promotion === undefined) return unknown(`No record tells how version ${production} came into production.`, canary);
  const { at, by } = promotion;
  if (promotion.data.replaced === undefined) return unknown(`Version ${production} is the first in production, so that there was nothing to compare it with.`, canary, { evidence: [versionRefOf(facts, production)] });
  if (promotion.data.forced) return { status: 'fail', reason: `Version ${production} was promoted over gates that did not pass.`, evidence: [versionRefOf(facts, production)], fix: canary };
  const rollout = (await facts.rollouts()).findLast((each) => each.candidate === production && each.promotedAt !== undefined && each.startedAt - skewMs <= at && at <= each.promotedAt + skewMs);
  const test = (await facts.tests()).filter((each) => each.version === production && each.at <= at).sort((a, b) => b.at - a.at)[0];
  const evidence: RecordRef[] = [versionRefOf(facts, production), ...(rollout ? [{ kind: 'deployment' as const, id: facts.model.name }] : []), ...(test ? [{ kind: 'abtest' as const, id: test.name }] : [])];
  if (rollout) {
    const why = whyNotByRollout(rollout);
    // A test may have decided what a rollout then only carried out.
    if (why === undefined) return { status: 'pass', reason: `Version ${production} was promoted by its rollout, on ${toldSamples(rollout)}.`, evidence };
    if (test === undefined || rollout.byHand || rollout.forced) return { status: 'fail', reason: `Version ${production} was promoted by a rollout, ${why}.`, evidence, fix: canary };
  }
  if (test) return judgeTest(test, { production, evidence, automated: rollout !== undefined || isNamed(by, assessment.policy.automation), by });
  return { status: 'fail', reason: `Version ${production} was promoted${by === undefined ? '' : ` by ${by}`} without a canary or a test.`, evidence, fix: canary };
}

/** What speaks against a rollout as evidence; `undefined` when nothing does. */
function whyNotByRollout({ byHand, forced, skewed, plan, verdicts }: RolloutFacts): string | undefined {
  if (forced) return 'over gates that did not pass';
  if (byHand) return 'before its time, by hand';
  if (plan.guardrails.every(({ kind }) => kind === 'check')) return 'which measured nothing: it has no guardrail over a metric';
  if (skewed) return 'although its arms did not have the shares that they should have';
  const measured = verdicts.filter(({ guardrail, samples }) => guardrail !== sampleRatio && samples !== undefined);
  if (measured.length === 0) return 'of which no look with its numbers is recorded';
  return measured.some(({ status }) => status === 'failed') ? 'although a guardrail failed' : undefined;
}

function toldSamples({ verdicts }: RolloutFacts): string {
  const samples = verdicts.flatMap(({ guardrail, samples: each }) => (guardrail === sampleRatio || each === undefined ? [] : [each.candidate]));
  const ratio = verdicts.some(({ guardrail, status }) => guardrail === sampleRatio && status === 'success') ? ', whose arms had their shares,' : '';
  return `${Math.max(0, ...samples)} requests of the candidate${ratio} by tests that hold however often they are looked at`;
}

interface TestContext {
  readonly production: number;
  readonly evidence: readonly RecordRef[];
  readonly automated: boolean;
  readonly by: string | undefined;
}

function judgeTest({ name, variant, analysis }: ShippedTest, { production, evidence, automated, by }: TestContext): Finding {
  const of = `the A/B test '${name}', which shipped version ${production}`;
  if (analysis === undefined) return unknown(`No analysis is recorded with the end of ${of}.`, 'Record what the end rests on: test.stop({ ship, decision: await test.analyze() }).', { evidence });
  const { method, sampleRatio: ratio, decision, units, metrics } = analysis;
  const fail = (why: string): Finding => ({ status: 'fail', reason: `Of ${of}, ${why}.`, evidence, fix: canary });
  if (ratio.status !== 'held') return fail('it is not shown that the units came in the shares that they should');
  if (decision.action !== 'ship' || decision.variant !== variant) return fail(`the analysis said '${decision.action}'`);
  if (!metrics.some(({ role, comparisons }) => role === 'primary' && comparisons.some((each) => each.variant === variant && each.status === 'compared'))) return fail('no primary metric was compared');
  if (method === 'fixed') return unknown(`Of ${of}, the analysis is one for a single planned look, and nobody knows how often it was looked at.`, "Analyse with the method 'sequential' or 'group-sequential', which hold for more looks than one.", { evidence });
  if (!automated) return fail(`the version was promoted by ${by ?? 'nobody named'}, which is none of policy.automation`);
  return { status: 'pass', reason: `Version ${production} was promoted by ${by ?? 'a rollout'} on an A/B test of ${units} units, with intervals, in the shares that it should have, by a method that may be looked at more than once.`, evidence };
}

/** The check of how versions come into production. */
export const deliveryCheck: CheckDefinition = { id: 'C4', level: 3, title: 'Versions are promoted by a policy, on the numbers of a canary or an A/B test', judge: judgeDelivery };
