import type { RecordRef } from '../../core/record-ref.ts';
import { failedGate, readSteps, type PipelineRunFacts } from '../facts/pipeline-facts.ts';
import { medianOf } from '../facts/assessment.ts';
import type { FiredAlert, MonitorFacts } from '../facts/monitor-facts.ts';
import type { ModelFacts } from '../facts/model-facts.ts';
import { hasProfile } from '../facts/training-profiles.ts';
import { counted, lengthText, pipelineRunRef, unknown, versionRefOf, type CheckDefinition, type Finding } from './check.ts';

function noMonitor({ model, links }: ModelFacts): Finding {
  const names = links.monitors ?? [model.name];
  return unknown(`There is no monitor ${names.map((name) => `'${name}'`).join(' or ')} in the store.`, `Watch what is served with a DriftMonitor called '${model.name}', or name its monitors in policy.links.`, { after: 'C1' });
}

function monitorRef({ name }: MonitorFacts): RecordRef {
  return { kind: 'monitor', id: name };
}

/** C1: what is served is compared with what the version in production was trained on, and lately. */
async function judgeWatch(facts: ModelFacts): Promise<Finding> {
  const { assessment, production } = facts;
  const { checkIntervals, checkInterval } = assessment.policy;
  const monitors = await facts.monitors();
  if (monitors.length === 0) return noMonitor(facts);
  const of: MonitorFacts[] = [];
  for (const monitor of monitors) if (await hasProfile(facts, monitor.reference)) of.push(monitor);
  const evidence = [versionRefOf(facts, production), ...monitors.map(monitorRef)];
  if (of.length === 0) {
    return unknown(`No record says that the reference of ${monitors.map(({ name }) => `'${name}'`).join(', ')} is the profile of what version ${production} was trained on.`, "Log the profile with the run that trains, run.logArtifact('profile.json', JSON.stringify(profile)), or put it among the files of the version, and give the monitor the same as its reference.", { threshold: checkIntervals, evidence });
  }
  const lateness = of.map((monitor) => ({ monitor, intervals: monitor.lastVerdict ? (assessment.now - monitor.lastVerdict.at) / (monitor.lastVerdict.windowMs ?? checkInterval) : undefined }));
  const [first] = [...lateness].sort((a, b) => (a.intervals ?? Infinity) - (b.intervals ?? Infinity));
  const { monitor, intervals } = first!;
  const measured = { threshold: checkIntervals, evidence: [versionRefOf(facts, production), monitorRef(monitor)], ...(intervals !== undefined && { value: intervals }) };
  const fix = 'Keep the monitor fed and let it close its windows: observe every prediction, and call check() on a schedule where there are few.';
  if (intervals === undefined) return { status: 'fail', reason: `Monitor '${monitor.name}' has given no verdict yet.`, ...measured, fix };
  const told = `gave its last verdict ${lengthText(assessment.now - monitor.lastVerdict!.at)} ago, which is ${Number(intervals.toPrecision(3))} of its intervals`;
  if (intervals > checkIntervals) return { status: 'fail', reason: `Monitor '${monitor.name}' ${told}.`, ...measured, fix };
  return { status: 'pass', reason: `Monitor '${monitor.name}' compares with the training profile of version ${production}, and ${told}.`, ...measured };
}

/** C2: enough predictions get their labels, and how good they were is measured. */
async function judgeLabels(facts: ModelFacts): Promise<Finding> {
  const { labelCoverage: threshold, minSamples } = facts.assessment.policy;
  const monitors = await facts.monitors();
  if (monitors.length === 0) return noMonitor(facts);
  const sum = monitors.reduce((all, { labels }) => ({ periods: all.periods + labels.periods, measured: all.measured + labels.measured, predictions: all.predictions + labels.predictions, labelled: all.labelled + labels.labelled }), { periods: 0, measured: 0, predictions: 0, labelled: 0 });
  const evidence = monitors.map(monitorRef);
  const fix = "Give the monitor performance: { metric, maxLabelDelay } and every prediction an id, and call feedback({ id, label }) when the truth arrives.";
  if (sum.periods === 0) return unknown('No period of predictions whose labels are in is in the window.', fix, { threshold, evidence });
  const value = sum.predictions === 0 ? 0 : sum.labelled / sum.predictions;
  const told = `${sum.labelled} of ${sum.predictions} predictions have a label, and the metric is known in ${sum.measured} of ${sum.periods} periods`;
  if (sum.predictions < minSamples) return unknown(`${told}; a share is judged from ${minSamples} on.`, fix, { threshold, evidence });
  if (value < threshold || sum.measured === 0) return { status: 'fail', reason: `${told}.`, value, threshold, evidence, fix };
  return { status: 'pass', reason: `${told}.`, value, threshold, evidence };
}

/** C3: an alert starts the training, and something is decided on what comes of it. */
async function judgeLoop(facts: ModelFacts): Promise<Finding> {
  const { from, policy } = facts.assessment;
  const monitors = await facts.monitors();
  if (monitors.length === 0) return noMonitor(facts);
  const names = new Set(monitors.map(({ name }) => name));
  const alerts = monitors.flatMap(({ fired }) => fired).filter(isLoopAlert);
  const decided: number[] = [];
  const evidence: RecordRef[] = [];
  const overdue: RecordRef[] = [];
  let started = 0;
  for (const { name, runs } of await facts.pipelines()) {
    for (const run of runs) {
      const { triggeredBy } = run;
      if (triggeredBy?.kind !== 'trigger' || triggeredBy.ref.kind !== 'monitor' || !names.has(triggeredBy.ref.id) || triggeredBy.at < from) continue;
      started++;
      evidence.push(pipelineRunRef(run));
      const at = await decisionOf(facts, name, run);
      if (at !== undefined) decided.push(at - triggeredBy.at);
      else if (await isOverdue(facts, run)) overdue.push(pipelineRunRef(run));
    }
  }
  const value = medianOf(decided);
  const fix = 'Start the training by alerts: pipeline.triggerOn(monitor.alerts(), …), register what it makes with { pipelineRun }, and promote it, roll it out, or refuse it by a gate step. Where nothing drifts, shift the input of a test system once as a drill.';
  const told = `${counted(alerts.length, 'alert')} in the window, ${counted(started, 'run')} of pipelines started by alerts, ${decided.length} decided`;
  if (value !== undefined && decided.length >= policy.decidedRuns * (decided.length + overdue.length)) return { status: 'pass', reason: `${told}, within ${lengthText(value)} in the middle.`, value, evidence };
  if (value !== undefined) return { status: 'fail', reason: `${told}; ${overdue.length} ended without a decision more than ${lengthText(policy.decidedWithin)} ago, and of ${decided.length + overdue.length} it must be ${Number((100 * policy.decidedRuns).toPrecision(3))} %.`, value, evidence: overdue, fix };
  if (alerts.length === 0 && started === 0) return unknown(`${told}.`, fix);
  return { status: 'fail', reason: `${told}.`, evidence: evidence.length > 0 ? evidence : alerts.map(({ id }) => ({ kind: 'alert', id })), fix };
}

function isLoopAlert({ kind, silenced }: FiredAlert): boolean {
  return !silenced && kind !== 'health' && kind !== 'quality';
}

/** Whether a run on which nothing is decided yet ended so long ago that something should be, and no rollout of what it made goes on. */
async function isOverdue(facts: ModelFacts, { id, timings }: PipelineRunFacts): Promise<boolean> {
  const { now, policy } = facts.assessment;
  if (timings.endedAt === undefined || now - timings.endedAt <= policy.decidedWithin) return false;
  const made = (await facts.versions()).pipelineRuns.get(id) ?? [];
  return !(await facts.rollouts()).some(({ candidate, endedAt }) => endedAt === undefined && made.includes(candidate));
}

/** When it was decided on what a run made: promoted, rolled out, or refused by a gate; `undefined` while it is not. */
async function decisionOf(facts: ModelFacts, pipeline: string, { id, status, timings }: PipelineRunFacts): Promise<number | undefined> {
  const { pipelineRuns } = await facts.versions();
  const made = pipelineRuns.get(id) ?? [];
  const changes = [...(await facts.changes()).filter(({ type }) => type === 'stage-changed'), ...(await facts.refusals())];
  const moves = changes.filter(({ data }) => made.includes(data.version)).map(({ at }) => at);
  const rollouts = (await facts.rollouts()).filter(({ candidate }) => made.includes(candidate)).flatMap(({ endedAt }) => (endedAt === undefined ? [] : [endedAt]));
  const times = [...moves, ...rollouts].filter((at) => at >= timings.startedAt);
  if (times.length > 0) return Math.min(...times);
  if (status !== 'failed') return undefined;
  const read = await readSteps(facts.assessment, pipeline, id);
  return read && failedGate(read.run) !== undefined ? timings.endedAt : undefined;
}

/** C9: no critical alert stays open. */
async function judgeOpenAlerts(facts: ModelFacts): Promise<Finding> {
  const { assessment } = facts;
  const threshold = assessment.policy.alertsWithin;
  const monitors = await facts.monitors();
  if (monitors.length === 0) return noMonitor(facts);
  const open = monitors.flatMap((monitor) => monitor.open.filter(({ severity }) => severity === 'critical'));
  const ages = open.map(({ at }) => assessment.now - at);
  const value = ages.length === 0 ? 0 : Math.max(...ages);
  const late = open.filter(({ at }) => assessment.now - at > threshold);
  if (late.length > 0) return { status: 'fail', reason: `${counted(late.length, 'critical alert is', 'critical alerts are')} open for longer than ${lengthText(threshold)}, the oldest for ${lengthText(value)}.`, value, threshold, evidence: late.map(({ id }) => ({ kind: 'alert', id })), fix: 'Look at it, and retrain, roll back or mend the data, until a window has nothing of it.' };
  return { status: 'pass', reason: open.length === 0 ? 'No critical alert is open.' : `${counted(open.length, 'critical alert is', 'critical alerts are')} open, for no longer than ${lengthText(threshold)}.`, value, threshold, evidence: monitors.map(monitorRef) };
}

/** The checks of watching. */
export const watchChecks: readonly CheckDefinition[] = [
  { id: 'C1', level: 3, title: 'What is served is compared with the training profile, and lately', unit: 'count', judge: judgeWatch },
  { id: 'C2', level: 3, title: 'Predictions get labels, and how good they were is measured', unit: 'share', judge: judgeLabels },
  { id: 'C3', level: 3, title: 'Alerts start the training, and something is decided on what comes of it', unit: 'milliseconds', judge: judgeLoop },
];

/** The check of alerts. */
export const alertCheck: CheckDefinition = { id: 'C9', level: 3, title: 'No critical alert stays open', unit: 'milliseconds', judge: judgeOpenAlerts };
