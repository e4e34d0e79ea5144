import { collectBytes } from '../../core/bytes.ts';
import { decode } from '../../core/codec.ts';
import type { EnvironmentRecord } from '../../core/environment.ts';
import { isDamage } from '../../storage/read-each.ts';
import { seedOf } from '../../tracking/reproduction/seed-of.ts';
import type { RunRecord } from '../../tracking/run-record.ts';
import { keys } from '../../tracking/tracking-keys.ts';
import type { Assessment } from '../facts/assessment.ts';
import type { ModelFacts } from '../facts/model-facts.ts';
import { judgeShare, runRef, unknown, type CheckDefinition, type Finding, type ShareOptions } from './check.ts';

const recordMore = 'Track each training with tracker.startRun() or withRun(), and register versions with the run that made them, so that it is known which runs train this model.';
const trainMore = "Too few of them began in the window: track the next trainings as well, look at a longer window (window: '365d') where a model is seldom trained, or set policy.minSamples.";
const readAtOnce = 16;

/** Judges the share of the runs that train a model. */
async function judgeRuns(
  facts: ModelFacts,
  passes: (run: RunRecord) => boolean,
  { among = () => true, ...options }: Omit<ShareOptions, 'what' | 'minSamples' | 'more'> & { readonly among?: (run: RunRecord) => boolean; readonly what?: string },
): Promise<Finding> {
  const { runs, more, sources } = await facts.trainingRuns();
  if (sources.length === 0) return unknown('No version says which run made it, so it is not known which runs train this model.', recordMore, { threshold: options.least });
  const what = `${more ? 'newest ' : ''}${options.what ?? 'training runs'}`;
  return judgeShare(runs.filter(among), passes, runRef, { minSamples: facts.assessment.policy.minSamples, more: trainMore, ...options, what });
}

const hasFinished = ({ status }: RunRecord): boolean => status === 'finished';

/** T1: training runs come to an end. */
function judgeEnds(facts: ModelFacts): Promise<Finding> {
  return judgeRuns(facts, ({ status }) => status !== 'crashed', {
    // One that still gives signs of life is nobody's fault.
    among: ({ status }) => status !== 'running',
    having: 'finished, failed or were ended',
    least: facts.assessment.policy.endedRuns,
    fix: 'End every run: use tracker.withRun(), or await using, and environment: nodeEnvironment(), which flushes at the exit of the process; look at why processes died.',
  });
}

/** T2: training runs say what they did and what came of it. */
function judgeDescription(facts: ModelFacts): Promise<Finding> {
  return judgeRuns(facts, ({ params, metrics }) => Object.keys(params).length > 0 && Object.keys(metrics).length > 0, {
    among: hasFinished,
    what: 'training runs that finished',
    having: 'have params and metrics',
    least: facts.assessment.policy.describedRuns,
    fix: 'Give runs their params at the start, and log at least one metric with run.logMetrics().',
  });
}

/** T3: training runs can be made again. */
async function judgeReproducibility(facts: ModelFacts): Promise<Finding> {
  const { runs } = await facts.trainingRuns();
  const lacking = new Map<string, string[]>();
  const counts = new Map<string, number>();
  const environments = new EnvironmentReader(facts.assessment);
  for (const run of runs) {
    const lacks = lacksOf(run, await environments.read(run));
    lacking.set(run.id, lacks);
    for (const lack of lacks) counts.set(lack, (counts.get(lack) ?? 0) + 1);
  }
  const lacks = [...counts].sort((a, b) => b[1] - a[1]).map(([lack, count]) => `${lack} (${count})`);
  return judgeRuns(facts, ({ id }) => lacking.get(id)!.length === 0, {
    having: 'have a commit without changes, the runtime, a lockfile and a seed',
    least: facts.assessment.policy.reproducibleRuns,
    fix: `What runs lack: ${lacks.join(', ')}. Give the tracker environment: nodeEnvironment(), train from a commit, commit a lockfile, and give each run its seed, or the tag nondeterministic where there is none.`,
  });
}

function lacksOf(run: RunRecord, environment: KnownEnvironment | undefined): string[] {
  const { code, tags } = run;
  return [
    ...(code?.commit === undefined ? ['commit'] : code.dirty === false ? [] : ['a tree without changes']),
    ...(environment?.runtimeVersion === undefined ? ['runtime'] : []),
    ...(environment?.lockfile === undefined ? ['lockfile'] : []),
    ...(seedOf(run) === undefined && tags['nondeterministic'] === undefined ? ['seed'] : []),
  ];
}

// A difference from the commit may be large, and is not asked for here.
type KnownEnvironment = Pick<EnvironmentRecord, 'runtimeVersion' | 'lockfile'>;

/** Reads environments once each: runs in the same one share it. */
class EnvironmentReader {
  readonly #assessment: Assessment;
  readonly #known = new Map<string, KnownEnvironment | undefined>();

  constructor(assessment: Assessment) {
    this.#assessment = assessment;
  }

  async read({ id, environment }: RunRecord): Promise<KnownEnvironment | undefined> {
    if (environment === undefined) return undefined;
    if (!this.#known.has(environment)) this.#known.set(environment, await this.#load(id, environment));
    return this.#known.get(environment);
  }

  async #load(run: string, digest: NonNullable<RunRecord['environment']>): Promise<KnownEnvironment | undefined> {
    const { storage, options } = this.#assessment;
    try {
      const chunks = await storage.readBlob(digest, options);
      if (chunks === undefined) return undefined;
      const { runtimeVersion, lockfile } = decode(await collectBytes(chunks), digest) as EnvironmentRecord;
      return { ...(runtimeVersion !== undefined && { runtimeVersion }), ...(lockfile !== undefined && { lockfile }) };
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#assessment.note(`the environment of run ${run}`, error);
      return undefined;
    }
  }
}

/** T4: training runs name their data. */
async function judgeFingerprints(facts: ModelFacts): Promise<Finding> {
  const { storage, options } = facts.assessment;
  const runs = (await facts.trainingRuns()).runs.filter(hasFinished);
  const having = new Set<string>();
  for (let at = 0; at < runs.length; at += readAtOnce) {
    const part = runs.slice(at, at + readAtOnce);
    const lists = await Promise.all(part.map(({ id }) => storage.list({ prefix: keys.datasets(id), limit: 1 }, options)));
    for (const [i, { entries }] of lists.entries()) if (entries.length > 0) having.add(part[i]!.id);
  }
  return judgeRuns(facts, ({ id }) => having.has(id), {
    among: hasFinished,
    what: 'training runs that finished',
    having: 'name a dataset by its fingerprint',
    least: facts.assessment.policy.fingerprintedRuns,
    fix: 'Log what a run trains on with run.logDataset({ name, role: \'training\', … }).',
  });
}

/** A1: training runs belong to runs of pipelines. */
export function judgePipelined(facts: ModelFacts): Promise<Finding> {
  return judgeRuns(facts, ({ pipelineRun }) => pipelineRun !== undefined, {
    having: 'belong to the run of a pipeline',
    least: facts.assessment.policy.pipelinedRuns,
    fix: 'Train in a step of a Pipeline that has a tracker, and start runs there with track(), or give startRun() the pipelineRun.',
  });
}

/** The checks of training runs. */
export const trackingChecks: readonly CheckDefinition[] = [
  { id: 'T1', level: 1, title: 'Training runs come to an end', unit: 'share', judge: judgeEnds },
  { id: 'T2', level: 1, title: 'Training runs have params and metrics', unit: 'share', judge: judgeDescription },
  { id: 'T3', level: 1, title: 'Training runs can be made again: code, runtime, lockfile, seed', unit: 'share', judge: judgeReproducibility },
  { id: 'T4', level: 1, title: 'Training runs name their data by fingerprint', unit: 'share', judge: judgeFingerprints },
];
