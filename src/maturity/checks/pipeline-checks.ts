import type { RecordRef } from '../../core/record-ref.ts';
import { RunStore, type RunHead, type StepRecord } from '../../pipelines/run-store.ts';
import { identityOf } from '../../pipelines/stored-output.ts';
import { readSteps, type PipelineFacts, type PipelineRunFacts } from '../facts/pipeline-facts.ts';
import { readStepRecords } from '../facts/run-steps.ts';
import type { ModelFacts } from '../facts/model-facts.ts';
import { isNamed } from '../maturity-policy.ts';
import { counted, notApplicable, pipelineRunRef, unknown, type CheckDefinition, type Finding } from './check.ts';

const build = 'Make the model by a Pipeline with a tracker: train in a step of it, and register the version with { run, pipelineRun }.';

/** What to say where no pipeline makes the model. */
function noPipeline({ model, links }: ModelFacts): Finding {
  return links.pipelines ? unknown(`None of the pipelines ${links.pipelines.join(', ')} is in the store.`, 'Name the pipelines as they are called, in policy.links.') : unknown(`No run of a pipeline made a version of '${model.name}' or is one that it is trained in.`, build, { after: 'A1' });
}

/** A2: something other than a person starts the training. */
async function judgeTriggers(facts: ModelFacts): Promise<Finding> {
  const pipelines = await facts.pipelines();
  if (pipelines.length === 0) return noPipeline(facts);
  const runs = pipelines.flatMap((pipeline) => pipeline.runs);
  const started = runs.filter(({ triggeredBy }) => triggeredBy?.kind === 'schedule' || triggeredBy?.kind === 'trigger');
  const measured = { value: started.length, threshold: 1 };
  const by = new Set(started.flatMap(({ triggeredBy }) => (triggeredBy && 'name' in triggeredBy ? [`${triggeredBy.kind} '${triggeredBy.name}'`] : [])));
  if (started.length > 0) return { status: 'pass', reason: `${started.length} of ${runs.length} runs of ${namesOf(pipelines)} were started by ${[...by].sort().slice(0, 5).join(', ')}.`, ...measured, evidence: started.map(pipelineRunRef) };
  return { status: 'fail', reason: `None of ${runs.length} runs of ${namesOf(pipelines)} was started by a schedule or a trigger.`, ...measured, evidence: runs.map(pipelineRunRef), fix: 'Give the pipeline a schedule(), or triggerOn() new data or the alerts of a monitor, and keep a worker with start().' };
}

/** A8: what is recorded of the steps that made the version in production is complete. */
async function judgeStepFacts(facts: ModelFacts): Promise<Finding> {
  const found = await productionRun(facts);
  if (!('pipeline' in found)) return found;
  const { pipeline, id } = found;
  const read = await readSteps(facts.assessment, pipeline, id);
  if (read === undefined) return unknown(`Run ${id} of pipeline '${pipeline}' cannot be read.`, 'Restore its records from a copy of the store.');
  const { run, head } = read;
  const history = await historyOf(facts, pipeline, id);
  const lacks = [...Object.values(run.steps).flatMap(({ name, status, startedAt, endedAt, inputs, cache }) => stepLacks(head, { name, status, startedAt, endedAt, inputs, cached: cache !== undefined })), ...(history ? [] : ['the process that carried it out'])];
  const evidence: RecordRef[] = [{ kind: 'pipeline-run', id }];
  const moved = (await facts.changes()).find(({ data }) => data.to === 'production' && data.version === facts.production);
  const lead = moved === undefined ? ['which version it took the place of'] : [];
  const all = [...lacks, ...lead];
  if (all.length === 0) return { status: 'pass', reason: `Of all ${head.definition.length} steps of run ${id} it is recorded when they ran, on what, what they put out and by which process, and of the version which one it replaced.`, evidence };
  return { status: 'fail', reason: `Of run ${id} it is not recorded: ${all.slice(0, 5).join('; ')}.`, evidence, fix: 'Make the next version by a run that goes through to its end in one pipeline, and promote it through the registry.' };
}

interface StepFacts {
  readonly name: string;
  readonly status: string;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly cached: boolean;
}

function stepLacks({ definition }: RunHead, { name, status, startedAt, endedAt, inputs, cached }: StepFacts): string[] {
  if (status === 'skipped') return [];
  if (status !== 'succeeded' && status !== 'failed') return [`how step '${name}' ended (it is ${status})`];
  const needs = Object.keys(definition.find((shape) => shape.name === name)?.needs ?? {});
  const missing = needs.filter((need) => !Object.hasOwn(inputs, need));
  return [
    ...(endedAt === undefined || (startedAt === undefined && !cached) ? [`when step '${name}' ran`] : []),
    ...(missing.length > 0 ? [`what step '${name}' was given as ${missing.join(', ')}`] : []),
  ];
}

async function historyOf(facts: ModelFacts, pipeline: string, id: string): Promise<boolean> {

  const events = await new RunStore(facts.assessment.storage, pipeline, facts.assessment.clock).history(id, facts.assessment.options);
  return events.some(({ data }) => typeof (data as { readonly owner?: unknown } | undefined)?.owner === 'string');
}

/** The run of a pipeline that made the version in production, or why there is none to look at. */
export async function productionRun(facts: ModelFacts): Promise<{ readonly pipeline: string; readonly id: string } | Finding> {
  const made = await facts.madeBy();
  if (made === undefined) return unknown(`Version ${facts.production} does not say which run of a pipeline made it.`, build, { after: 'A1' });
  const { id, pipeline } = made;
  return pipeline === undefined ? unknown(`The run ${id} of a pipeline, which made version ${facts.production}, is not in the store.`, 'Keep the runs of pipelines that made versions in use, or restore them from a copy.') : { pipeline, id };
}

interface Execution {
  readonly run: string;
  readonly step: string;
  readonly output: string;
}

/** A9: a step that was run again on the same came to the same. */
async function judgeRepetitions(facts: ModelFacts): Promise<Finding> {
  const pipelines = await facts.pipelines();
  if (pipelines.length === 0) return noPipeline(facts);
  const made = new Map<string, Execution[]>();
  for (const { name, runs } of pipelines) for (const run of runs.slice(0, facts.assessment.policy.maxStepRuns)) await addExecutions(facts, name, run, made);
  const repeated = [...made.values()].filter((executions) => executions.length > 1);
  const differing = repeated.filter(([first, ...others]) => others.some(({ output }) => output !== first!.output));
  const fix = "Give steps that compute the same from the same { cache: { version } }, and run the pipeline once with refresh: true, so that their outputs are made again and can be compared.";
  const refs = (groups: readonly (readonly Execution[])[]): RecordRef[] => groups.flat().map(({ run }) => ({ kind: 'pipeline-run', id: run }));
  if (repeated.length === 0) return unknown(made.size === 0 ? 'No step of the pipelines is cached, so that no two executions are known to be of the same.' : 'No cached step was run again on the same inputs.', fix);
  const measured = { value: (repeated.length - differing.length) / repeated.length, threshold: 1 };
  if (differing.length === 0) return { status: 'pass', reason: `${counted(repeated.length, 'cached output was', 'cached outputs were')} made again, to the same digests.`, ...measured, evidence: refs(repeated) };
  return { status: 'fail', reason: `${differing.length} of ${repeated.length} cached outputs that were made again came out otherwise, such as that of step '${differing[0]![0]!.step}'.`, ...measured, evidence: refs(differing), fix: 'Seed what is random in that step, keep times and paths out of what it puts out, and name all that it depends on in its cache key.' };
}

/** What the steps of a run made themselves that others might have taken from the cache. */
async function addExecutions({ assessment }: ModelFacts, pipeline: string, { id }: PipelineRunFacts, made: Map<string, Execution[]>): Promise<void> {
  const read = await readSteps(assessment, pipeline, id);
  const records: ReadonlyMap<string, StepRecord> = (read && (await readStepRecords(assessment, pipeline, read.head))) ?? new Map<string, StepRecord>();
  for (const [step, { status, lookup, cache, output }] of records) {
    if (status !== 'succeeded' || lookup === undefined || cache !== undefined) continue;
    const key = `${pipeline} ${step} ${lookup.key}`;
    made.set(key, [...(made.get(key) ?? []), { run: id, step, output: output === undefined ? '' : identityOf(output) }]);
  }
}

/** C7: each new definition of a pipeline was run by the continuous integration before it ran in earnest. */
async function judgeDefinitions(facts: ModelFacts): Promise<Finding> {
  const pipelines = await facts.pipelines();
  if (pipelines.length === 0) return noPipeline(facts);
  const { integration } = facts.assessment.policy;
  const isIntegration = ({ triggeredBy }: PipelineRunFacts): boolean => triggeredBy?.kind === 'call' && isNamed(triggeredBy.by, integration);
  const changes = pipelines.flatMap(({ name, runs }) => definitionChanges(name, runs, isIntegration));
  const fix = "Have the continuous integration run the pipeline whenever its code changes, on a small sample and into the same store: pipeline.run({ params, by: 'ci', reason: address of the job }).";
  if (changes.length === 0) {
    if (pipelines.every(({ runs }) => runs.length === 0)) return unknown('No run of the pipelines is in the window.', fix);
    return notApplicable('The definitions of the pipelines did not change in the window.');
  }
  const bad = changes.filter(({ tested }) => tested === undefined);
  const measured = { value: (changes.length - bad.length) / changes.length, threshold: 1 };
  if (bad.length === 0) return { status: 'pass', reason: `${counted(changes.length, 'change')} of definitions, all of which the continuous integration ran first.`, ...measured, evidence: changes.map(({ tested }) => pipelineRunRef(tested!)) };
  const anyTested = pipelines.some(({ runs }) => runs.some(isIntegration));
  const reason = `${bad.length} of ${changes.length} changes of definitions had no run of the continuous integration that succeeded first, such as that of '${bad[0]!.pipeline}'.`;
  // Where it leaves no trace at all, it may work elsewhere.
  return anyTested ? { status: 'fail', reason, ...measured, evidence: bad.map(({ run }) => pipelineRunRef(run)), fix } : unknown(`${reason} The continuous integration left no run in this store.`, fix, { ...measured, evidence: bad.map(({ run }) => pipelineRunRef(run)) });
}

interface DefinitionChange {
  readonly pipeline: string;
  /** The first run in earnest with that definition. */
  readonly run: PipelineRunFacts;
  /** The run of the continuous integration before it. */
  readonly tested: PipelineRunFacts | undefined;
}

function definitionChanges(pipeline: string, runs: readonly PipelineRunFacts[], isIntegration: (run: PipelineRunFacts) => boolean): DefinitionChange[] {
  const oldestFirst = [...runs].reverse();
  const changes: DefinitionChange[] = [];
  const seen = new Set<string>();
  for (const run of oldestFirst) {
    if (isIntegration(run)) continue;
    // What the first run was of may be as old as the pipeline.
    if (!seen.has(run.definition) && seen.size > 0) {
      const tested = oldestFirst.find((each) => isIntegration(each) && each.definition === run.definition && each.status === 'succeeded' && each.timings.startedAt <= run.timings.startedAt);
      changes.push({ pipeline, run, tested });
    }
    seen.add(run.definition);
  }
  return changes;
}

function namesOf(pipelines: readonly PipelineFacts[]): string {
  return pipelines.map(({ name }) => `'${name}'`).join(', ');
}

/** The checks of pipelines that are of the second level. */
export const triggerCheck: CheckDefinition = { id: 'A2', level: 2, title: 'A schedule or an event starts the training', unit: 'count', judge: judgeTriggers };

/** The checks of what is recorded of steps, and whether it comes out again. */
export const stepChecks: readonly CheckDefinition[] = [
  { id: 'A8', level: 2, title: 'What is recorded of the steps that made the version in production is complete', judge: judgeStepFacts },
  { id: 'A9', level: 2, title: 'Cached steps that are run again come to the same', unit: 'share', judge: judgeRepetitions },
];

/** The check of changes of pipelines. */
export const definitionCheck: CheckDefinition = { id: 'C7', level: 3, title: 'Changes of pipelines were run by the continuous integration first', unit: 'share', judge: judgeDefinitions };
