import type { DatasetFacts } from '../../features/datasets/dataset-facts.ts';
import type { FeatureStore } from '../../features/feature-store.ts';
import type { Evaluation } from '../../registry/evaluation.ts';
import type { ModelInfo } from '../../registry/model-info.ts';
import type { ModelVersion } from '../../registry/model-version.ts';
import type { RegistryEvent } from '../../registry/registry-event.ts';
import type { Registry } from '../../registry/registry.ts';
import { readEach } from '../../storage/read-each.ts';
import { toRunRecord, type RunRecord, type StoredRun } from '../../tracking/run-record.ts';
import { readDatasets, type DatasetRecord } from '../../tracking/run-datasets.ts';
import type { MaturityLinks } from '../maturity-policy.ts';
import type { VerifiedFiles } from '../maturity-report.ts';
import { once, type Assessment } from './assessment.ts';
import { savedDataset } from './feature-facts.ts';
import { readMonitor, type MonitorFacts } from './monitor-facts.ts';
import { pipelinesWith, readPipeline, type PipelineFacts } from './pipeline-facts.ts';
import { readRollouts, type RolloutFacts } from './rollout-facts.ts';
import { readShippedTest, type ShippedTest } from './test-facts.ts';
import { readTrainingRuns, type TrainingRuns } from './training-runs.ts';
import { readVersions, runKey, type VersionsFacts } from './version-facts.ts';

/** What the models of a store have in common. */
export interface SharedFacts {
  readonly assessment: Assessment;
  readonly registry: Registry;
  readonly store: FeatureStore;
  /** The names of all pipelines. */
  readonly pipelineNames: () => Promise<readonly string[]>;
  /** When the files of versions were last read by earlier assessments. */
  readonly verified: readonly VerifiedFiles[];
  /** Whether the files of versions in production are read now. */
  readonly verify: boolean;
}

/** How the version in production came there. */
export type StageChange = Extract<RegistryEvent, { type: 'stage-changed' | 'rolled-back' }>;

/** That gates let a version not pass. */
export type Refusal = Extract<RegistryEvent, { type: 'promotion-refused' }>;

/** What the records say of one model, each kind read when a check asks for it, and once. A kind that cannot be read throws, each time, and hides no other. */
export class ModelFacts {
  readonly assessment: Assessment;
  readonly shared: SharedFacts;
  readonly model: ModelInfo;
  /** The number of the version in production. */
  readonly production: number;
  readonly links: MaturityLinks;
  /** The version in production. */
  readonly version: () => Promise<ModelVersion>;
  /** All versions. */
  readonly versions: () => Promise<VersionsFacts>;
  /** All changes of stages, oldest first. */
  readonly changes: () => Promise<readonly StageChange[]>;
  /** All promotions that gates refused, oldest first. */
  readonly refusals: () => Promise<readonly Refusal[]>;
  /** The run that made the version in production; `undefined` when it names none, or that is not there. */
  readonly sourceRun: () => Promise<RunRecord | undefined>;
  /** The datasets of that run. */
  readonly sourceDatasets: () => Promise<readonly DatasetRecord[]>;
  /** The dataset, saved from features, that the version in production was trained on; `undefined` when it is none of these. */
  readonly trainingDataset: () => Promise<DatasetFacts | undefined>;
  /** The run of a pipeline that made the version in production, and its pipeline when that is there; `undefined` when none is named. */
  readonly madeBy: () => Promise<{ readonly id: string; readonly pipeline: string | undefined } | undefined>;
  readonly trainingRuns: () => Promise<TrainingRuns>;
  readonly pipelines: () => Promise<readonly PipelineFacts[]>;
  readonly monitors: () => Promise<readonly MonitorFacts[]>;
  readonly rollouts: () => Promise<readonly RolloutFacts[]>;
  readonly tests: () => Promise<readonly ShippedTest[]>;

  constructor(shared: SharedFacts, model: ModelInfo, production: number) {
    const { assessment, registry } = shared;
    const { options, policy } = assessment;
    const { name } = model;
    this.assessment = assessment;
    this.shared = shared;
    this.model = model;
    this.production = production;
    this.links = Object.hasOwn(policy.links, name) ? policy.links[name]! : {};
    this.version = once(() => registry.getVersion(`${name}@${production}`, options));
    this.versions = once(() => readVersions(assessment, registry, name));
    const history = once(async () => {
      const events = await registry.history(name, options);
      return events.filter((event): event is StageChange | Refusal => (event.type === 'stage-changed' || event.type === 'rolled-back' || event.type === 'promotion-refused') && event.at <= assessment.now);
    });
    this.changes = once(async () => (await history()).filter((event): event is StageChange => event.type !== 'promotion-refused'));
    this.refusals = once(async () => (await history()).filter((event): event is Refusal => event.type === 'promotion-refused'));
    this.sourceRun = once(async () => {
      const { run } = await this.version();
      return run === undefined ? undefined : readStoredRecord(assessment, run);
    });
    this.sourceDatasets = once(async () => {
      const run = await this.sourceRun();
      return run === undefined ? [] : readDatasets(assessment.storage, run.id, (error) => assessment.note(`a dataset of run ${run.id}`, error), options);
    });
    this.trainingDataset = once(async () => {
      const [version, logged] = await Promise.all([this.version(), this.sourceDatasets()]);
      const wanted = [
        ...logged.filter(({ role }) => role === 'training').map(({ name: called, fingerprint }) => ({ name: called, digest: fingerprint })),
        ...(version.datasets ?? []).filter(({ role }) => role === undefined || role === 'training'),
        ...(version.dataset ? [version.dataset] : []),
      ];
      return wanted.length === 0 ? undefined : savedDataset(assessment, shared.store, wanted);
    });
    this.madeBy = once(async () => {
      const [version, run] = await Promise.all([this.version(), this.sourceRun()]);
      const id = version.pipelineRun ?? run?.pipelineRun;
      if (id === undefined) return undefined;
      const [pipeline] = await pipelinesWith(assessment, this.links.pipelines ?? (await shared.pipelineNames()), [id]);
      return { id, pipeline };
    });
    this.trainingRuns = once(async () => {
      const { experiments } = this.links;
      return readTrainingRuns(assessment, experiments ? experiments.map((experiment) => ({ experiment })) : (await this.versions()).sources);
    });
    this.pipelines = once(() => this.#readPipelines());
    this.monitors = once(async () => presentOf((this.links.monitors ?? [name]).map((each) => () => readMonitor(assessment, each))));
    this.rollouts = once(() => readRollouts(assessment, name));
    this.tests = once(async () => presentOf((this.links.tests ?? [name]).map((each) => () => readShippedTest(assessment, each))));
  }

  /** The evaluations of a version. */
  evaluations(version: number): Promise<readonly Evaluation[]> {
    return this.shared.registry.evaluations(`${this.model.name}@${version}`, this.assessment.options);
  }

  async #readPipelines(): Promise<PipelineFacts[]> {
    const { assessment, shared } = this;
    const { pipelines } = this.links;
    const present = await shared.pipelineNames();
    const made = async (): Promise<string[]> => {
      const [{ pipelineRuns }, { runs }] = await Promise.all([this.versions(), this.trainingRuns()]);
      const some = [...pipelineRuns.keys()].slice(0, 20);
      return pipelinesWith(assessment, present, [...some, ...runs.flatMap(({ pipelineRun }) => (pipelineRun === undefined ? [] : [pipelineRun]))]);
    };
    const names = pipelines ? pipelines.filter((name) => present.includes(name)) : await made();
    const found: PipelineFacts[] = [];
    for (const name of names) found.push(await readPipeline(assessment, name));
    return found;
  }
}

async function readStoredRecord({ storage, options }: Assessment, id: string): Promise<RunRecord | undefined> {
  const [record] = await readEach<StoredRun>(storage, [runKey(id)], options);
  if (record && 'error' in record) throw record.error;
  return record && toRunRecord(record.value);
}

async function presentOf<T>(reads: readonly (() => Promise<T | undefined>)[]): Promise<T[]> {
  const found: T[] = [];
  for (const read of reads) {
    const each = await read();
    if (each !== undefined) found.push(each);
  }
  return found;
}
