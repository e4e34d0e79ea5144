import { isModelkeepError } from '../../core/errors.ts';
import type { RecordRef } from '../../core/record-ref.ts';
import type { Evaluation } from '../../registry/evaluation.ts';
import { medianOf } from '../facts/assessment.ts';
import { failedGate, readSteps } from '../facts/pipeline-facts.ts';
import type { ModelFacts, StageChange } from '../facts/model-facts.ts';
import { counted, lengthText, pipelineRunRef, unknown, versionRefOf, type CheckDefinition, type Finding } from './check.ts';
import { promotionsOf } from './version-checks.ts';

type Promotion = ReturnType<typeof promotionsOf>[number];

const mostPromotions = 100;
const compare = "Evaluate the candidate and the version in production on the same dataset with registry.recordEvaluation(), and put gates before production: gates.comparison('auc', …), or gates.metric with a margin over it.";

/** A4: promotions rest on a comparison with the version before, on the same data, and on gates. */
async function judgeComparisons(facts: ModelFacts): Promise<Finding> {
  const { from } = facts.assessment;
  const over = promotionsOf(await facts.changes()).filter(({ data }) => data.replaced !== undefined);
  // Where nothing came in the window, the one that brought what is there tells.
  const recent = over.filter(({ at }) => at >= from);
  const promotions = (recent.length > 0 ? recent : over.slice(-1)).slice(-mostPromotions);
  if (promotions.length === 0) return unknown('No version was promoted over another yet, so that there was nothing to compare with.', compare, { threshold: 1 });
  const verdicts: { readonly promotion: Promotion; readonly why: string | undefined }[] = [];
  for (const promotion of promotions) verdicts.push({ promotion, why: await whyNotCompared(facts, promotion) });
  const bad = verdicts.filter(({ why }) => why !== undefined);
  const good = promotions.length - bad.length;
  const measured = { value: good / promotions.length, threshold: 1 };
  if (bad.length === 0) return { status: 'pass', reason: `${counted(promotions.length, 'promotion')} over another version, all on a comparison with it on the same data, and on gates.`, ...measured, evidence: promotions.map(({ data }) => versionRefOf(facts, data.version)) };
  const [{ promotion, why }] = bad as [(typeof bad)[number]];
  return { status: 'fail', reason: `${good} of ${promotions.length} promotions rest on a comparison on the same data, and on gates; that of version ${promotion.data.version} ${why}.`, ...measured, evidence: bad.map(({ promotion: { data } }) => versionRefOf(facts, data.version)), fix: compare };
}

async function whyNotCompared(facts: ModelFacts, { at, data: { version, replaced, gates, forced } }: Promotion): Promise<string | undefined> {
  if (forced) return 'went over gates that did not pass';
  if (gates === undefined || gates.gates.length === 0) return 'went through no gate';
  const [candidate, incumbent] = await Promise.all([measuredOn(facts, version, at), measuredOn(facts, replaced!, at)]);
  return [...candidate].some((digest) => incumbent.has(digest)) ? undefined : `has no dataset on which it and version ${replaced} were both measured`;
}

/** The datasets on which a version was measured by a moment; none of one that was deleted since. */
async function measuredOn(facts: ModelFacts, version: number, at: number): Promise<ReadonlySet<string>> {
  const { registry } = facts.shared;
  const ref = `${facts.model.name}@${version}`;
  try {
    const [{ dataset, metrics, createdAt }, evaluations] = await Promise.all([registry.getVersion(ref, facts.assessment.options), facts.evaluations(version)]);
    const told = evaluations.filter((evaluation: Evaluation) => evaluation.at <= at).map((evaluation) => evaluation.dataset.digest);
    return new Set([...(dataset && createdAt <= at && Object.keys(metrics).length > 0 ? [dataset.digest] : []), ...told]);
  } catch (error) {
    if (!isModelkeepError(error, 'not-found')) throw error;
    return new Set();
  }
}

/** A5: a gate was seen to refuse. */
async function judgeRefusals(facts: ModelFacts): Promise<Finding> {
  const { from, policy } = facts.assessment;
  const changes = await facts.changes();
  const overridden = promotionsOf(changes).filter(({ at, data }) => at >= from && data.gates?.passed === false);
  const refused = [...overridden, ...(await facts.refusals()).filter(({ at }) => at >= from)];
  const atStage = new Set(refused.map(({ data }) => data.version));
  // What the registry refused to a rollout is in its history, too, unless an older modelkeep wrote it.
  const rollouts = (await facts.rollouts()).filter((rollout) => rollout.refused && (rollout.endedAt ?? rollout.startedAt) >= from && (rollout.outcome === 'rolled-back' || !atStage.has(rollout.candidate)));
  const stopped: RecordRef[] = [];
  for (const { name, runs } of await facts.pipelines()) {
    for (const run of runs.filter(({ status }) => status === 'failed').slice(0, policy.maxStepRuns)) {
      const read = await readSteps(facts.assessment, name, run.id);
      if (read && failedGate(read.run) !== undefined) stopped.push(pipelineRunRef(run));
    }
  }
  const evidence: RecordRef[] = [...[...new Set([...atStage, ...rollouts.map(({ candidate }) => candidate)])].map((version) => versionRefOf(facts, version)), ...stopped];
  const fix = 'Show that the gates can refuse: try to promote a version that is bad on purpose, have one go through the pipeline to a gate step, or start a rollout of it, once in the window.';
  const value = refused.length + rollouts.length + stopped.length;
  if (value > 0) return { status: 'pass', reason: `Gates refused ${counted(value, 'time')}: ${refused.length} before a stage, ${rollouts.length} in rollouts, ${stopped.length} in pipelines.`, value, threshold: 1, evidence };
  const guarded = (facts.model.policy.production?.length ?? 0) > 0 || promotionsOf(changes).some(({ data }) => (data.gates?.gates.length ?? 0) > 0);
  if (!guarded) return { status: 'fail', reason: 'No gate stands before production, and none has refused anything.', value: 0, threshold: 1, fix: `Put gates before production with registry.setPolicy(). ${fix}` };
  return unknown('Gates stand before production, and no record says that one ever refused anything.', fix, { value: 0, threshold: 1 });
}

/** C5: somebody went back to an earlier version, in earnest or as a drill. */
async function judgeRollbacks(facts: ModelFacts): Promise<Finding> {
  const { now, policy } = facts.assessment;
  const since = now - policy.rolledBackWithin;
  const back = (await facts.changes()).filter((change): change is Extract<StageChange, { type: 'rolled-back' }> => change.type === 'rolled-back' && change.at >= since);
  const rollouts = (await facts.rollouts()).filter(({ outcome, endedAt, promotedAt }) => outcome === 'rolled-back' && promotedAt === undefined && endedAt! >= since);
  const total = back.length + rollouts.length;
  const evidence = [...back.map(({ data }) => versionRefOf(facts, data.version)), ...rollouts.map(({ candidate }) => versionRefOf(facts, candidate))];
  const threshold = 1;
  if (total === 0) return { status: 'fail', reason: 'Nobody has gone back to an earlier version in that time.', value: 0, threshold, evidence, fix: 'Go back and forth once as a drill: registry.rollback(model, { by, reason: \'drill\' }), then bring the version back as others come into production.' };
  const times = await repairTimes(facts, back);
  const median = medianOf(times);
  const told = median === undefined ? 'how long it took is not recorded' : `it took ${lengthText(median)} from the first sign, in the middle`;
  return { status: 'pass', reason: `${counted(total, 'return')} to an earlier version; ${told}.`, value: total, threshold, evidence };
}

/** From the alert or the verdict that was the first sign, to the return. */
async function repairTimes(facts: ModelFacts, back: readonly StageChange[]): Promise<number[]> {
  const alerts = await alertTimes(facts);
  const rollouts = await facts.rollouts();
  const promotions = promotionsOf(await facts.changes());
  return back.flatMap(({ at, data }) => {
    const rollout = rollouts.find(({ candidate, promotedAt, wentWrongAt }) => candidate === data.replaced && promotedAt !== undefined && wentWrongAt !== undefined && wentWrongAt <= at);
    const since = promotions.findLast((promotion) => promotion.data.version === data.replaced && promotion.at <= at)?.at ?? at;
    const signs = [...alerts.filter((alert) => alert >= since && alert < at), ...(rollout ? [rollout.wentWrongAt!] : [])];
    return signs.length === 0 ? [] : [at - Math.min(...signs)];
  });
}

/** When alerts began to fire; none where that cannot be read, for it is only asked how long a return took. */
async function alertTimes(facts: ModelFacts): Promise<number[]> {
  try {
    return (await facts.monitors()).flatMap(({ fired }) => fired.map(({ at }) => at));
  } catch (error) {
    facts.assessment.note(`records of model '${facts.model.name}'`, error);
    return [];
  }
}

/** The checks of gates. */
export const gateChecks: readonly CheckDefinition[] = [
  { id: 'A4', level: 2, title: 'Promotions rest on a comparison with the version before on the same data, and on gates', unit: 'share', judge: judgeComparisons },
  { id: 'A5', level: 2, title: 'A gate was seen to refuse', unit: 'count', judge: judgeRefusals },
];

/** The check of going back. */
export const rollbackCheck: CheckDefinition = { id: 'C5', level: 3, title: 'Somebody went back to an earlier version lately', unit: 'count', judge: judgeRollbacks };
