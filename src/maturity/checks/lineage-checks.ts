import { isModelkeepError } from '../../core/errors.ts';
import type { RecordRef } from '../../core/record-ref.ts';
import { hasViews, servedLast, serviceOf, viewsOf } from '../facts/feature-facts.ts';
import type { ModelFacts } from '../facts/model-facts.ts';
import { readSteps } from '../facts/pipeline-facts.ts';
import { isPassedGate, readStepRecords, stepsBefore } from '../facts/run-steps.ts';
import { counted, lengthText, notApplicable, pipelineRunRef, runRef, unknown, versionRefOf, type CheckDefinition, type Finding } from './check.ts';
import { productionRun } from './pipeline-checks.ts';

const validate = 'Put a gate step before the training (pipeline.gate), or ingest with validate, a suite of checks, into the views that the training data come from.';

/** A3: data were validated before the version in production was trained, and what came of it is recorded. */
async function judgeValidation(facts: ModelFacts): Promise<Finding> {
  const gates = await gatesBefore(facts);
  if (gates.length > 0) return { status: 'pass', reason: `Before the training ${gates.map((name) => `gate '${name}'`).join(', ')} passed, and its report is recorded.`, evidence: await evidenceOf(facts) };
  const run = await facts.sourceRun();
  const dataset = await facts.trainingDataset();
  for (const { name } of dataset?.query.views ?? []) {
    const { items } = await facts.shared.store.checkResults(name, { to: run?.startedAt ?? facts.assessment.now, limit: 1, ...facts.assessment.options });
    const [result] = items;
    if (result === undefined) return { status: 'fail', reason: `No checks were run on what came into view '${name}' before the training.`, evidence: [{ kind: 'feature-view', id: name }], fix: validate };
    if (result.status === 'failed' && !result.refused) return { status: 'fail', reason: `What came into view '${name}' last before the training failed its checks and was taken in all the same.`, evidence: [{ kind: 'feature-view', id: name, version: result.viewVersion }], fix: validate };
  }
  if (dataset) return { status: 'pass', reason: `What came into ${dataset.query.views.map(({ name }) => `'${name}'`).join(', ')} was checked before the training, with results.`, evidence: dataset.query.views.map(({ name, version }) => ({ kind: 'feature-view', id: name, version })) };
  return unknown('No gate stands before the training in its pipeline, and its data are no dataset that was saved from features.', validate, { evidence: run ? [runRef(run)] : [] });
}

/** The gates that passed before the step that trained the version in production. */
async function gatesBefore(facts: ModelFacts): Promise<string[]> {
  const [found, run] = [await productionRun(facts), await facts.sourceRun()];
  const step = run?.tags['modelkeep.step'];
  if (!('pipeline' in found)) return [];
  const read = await readSteps(facts.assessment, found.pipeline, found.id);
  const records = read && (await readStepRecords(facts.assessment, found.pipeline, read.head));
  if (read === undefined || records === undefined) return [];
  // A run that no step names is known to have begun after the gates that had ended by then.
  const before = step === undefined ? new Set([...records].flatMap(([name, { endedAt }]) => (run && endedAt !== undefined && endedAt <= run.startedAt ? [name] : []))) : stepsBefore(read.head, step);
  const passed: string[] = [];
  for (const [name, record] of records) if (before.has(name) && (await isPassedGate(facts.assessment, name, record))) passed.push(name);
  return passed;
}

async function evidenceOf(facts: ModelFacts): Promise<RecordRef[]> {
  const found = await productionRun(facts);
  return 'pipeline' in found ? [pipelineRunRef(found)] : [];
}

/** A6: training and serving take the same version of the features. */
async function judgeSymmetry(facts: ModelFacts): Promise<Finding> {
  const { assessment, production } = facts;
  const { features } = await facts.version();
  if (features === undefined) {
    if (!(await hasViews(assessment))) return notApplicable('No feature view is in the store.');
    return unknown(`Version ${production} does not say which features it takes.`, 'Register versions with features: { service, version, digest }, or keep their data from a feature service.', { evidence: [versionRefOf(facts, production)] });
  }
  const { service, version, digest } = features;
  const evidence: RecordRef[] = [versionRefOf(facts, production), { kind: 'feature-service', id: service, version, digest }];
  if (version === undefined) return unknown(`Version ${production} names the feature service '${service}' without its version.`, 'Register versions with the version of their feature service: features: { service, version }.', { evidence });
  const name = `${service}@${version}`;
  const defined = await serviceOf(assessment, features);
  if (defined === undefined) return { status: 'fail', reason: `The feature service ${name}, which version ${production} takes, is not in the store.`, evidence, fix: 'Apply the service, or register a version that takes one that is there.' };
  if (digest !== undefined && digest !== defined.digest) return { status: 'fail', reason: `The feature service ${name} is not what version ${production} was registered with: its digest is another.`, evidence, fix: 'Register the next version with the service as it is defined.' };
  const dataset = await facts.trainingDataset();
  if (dataset === undefined) return unknown(`The data that version ${production} was trained on are no dataset that was saved from features.`, 'Train on store.saveDataset(name, { features: service }), and log it with run.logDataset.', { evidence });
  const { service: trained } = dataset.query;
  if (trained?.service !== service || String(trained.version) !== String(version)) {
    return { status: 'fail', reason: `Version ${production} was trained on ${trained ? `${trained.service}@${trained.version}` : 'features of no service'} and takes ${name}.`, evidence, fix: 'Train on the very version of the service that is registered, joined as of its moments by saveDataset.' };
  }
  const served = await servedLast(assessment, service);
  if (served.length === 0) return unknown(`Training was on ${name}, joined as of its moments; of what was served nothing is recorded.`, 'Give the FeatureStore that serves a servingLog.', { evidence });
  const versions = [...new Set(served.map((shape) => shape.service?.version))];
  if (versions.some((each) => String(each) === String(version))) return { status: 'pass', reason: `Training, joined as of its moments, and serving take ${name}.`, evidence };
  return { status: 'fail', reason: `What was served last is ${service}@${versions.join(', @')}, and version ${production} was trained on ${name}.`, evidence, fix: 'Serve the version of the service that the model was trained on: features: { store } of a Deployment does so by itself.' };
}

/** A7: from the version in production, its run, data, features, pipeline and code are found. */
async function judgeLineage(facts: ModelFacts): Promise<Finding> {
  const { assessment, production } = facts;
  const [version, run, datasets, found] = await Promise.all([facts.version(), facts.sourceRun(), facts.sourceDatasets(), productionRun(facts)]);
  const evidence: RecordRef[] = [versionRefOf(facts, production)];
  const lacks: string[] = [];
  let links = 0;
  const link = (ref: RecordRef | undefined, lack: string): void => {
    links++;
    if (ref) evidence.push(ref);
    else lacks.push(lack);
  };
  link(run && runRef(run), 'the run that made it');
  const [dataset] = datasets;
  const pointed = version.dataset ?? version.datasets?.[0];
  link(dataset ? { kind: 'dataset', id: dataset.name, digest: dataset.fingerprint } : pointed && { kind: 'dataset', id: pointed.name ?? pointed.digest, digest: pointed.digest }, 'the data that it was trained on');
  link('pipeline' in found ? pipelineRunRef(found) : undefined, 'the run of a pipeline that it was made in');
  link(run?.code?.commit === undefined ? undefined : { kind: 'code', id: run.code.commit }, 'the commit of the code');
  if (version.features || (await hasViews(assessment))) {
    const service = version.features && (await serviceOf(assessment, version.features));
    const saved = service ? undefined : await facts.trainingDataset();
    link(service ? { kind: 'feature-service', id: version.features.service, version: service.version, digest: service.digest } : saved && { kind: 'dataset', id: saved.name, version: saved.version, digest: saved.digest }, 'the versions of its features');
  }
  const measured = { value: links - lacks.length, threshold: links, evidence };
  if (lacks.length === 0) return { status: 'pass', reason: `From version ${production} all ${links} origins are found.`, ...measured };
  return { status: 'fail', reason: `Of version ${production} it is not recorded, or not kept: ${lacks.join(', ')}.`, ...measured, fix: 'Register versions with { run, dataset, features, pipelineRun }; log datasets with the run; train with an environment that knows the commit; and keep what versions in use came from.' };
}

/** C6: features are as fresh as they are declared to be. */
async function judgeFreshness(facts: ModelFacts): Promise<Finding> {
  const { assessment, production, shared } = facts;
  const { features } = await facts.version();
  if (features === undefined) {
    if (!(await hasViews(assessment))) return notApplicable('No feature view is in the store.');
    return unknown(`Version ${production} does not say which features it takes.`, 'Register versions with features: { service, version }.');
  }
  const service = await serviceOf(assessment, features);
  if (service === undefined) return { status: 'fail', reason: `The feature service '${features.service}' is not in the store.`, fix: 'Apply the service, or register a version that takes one that is there.' };
  const views: { readonly view: string; readonly stale: boolean; readonly maxAge: number | null; readonly lag: number | null }[] = [];
  for (const view of viewsOf(service)) {
    try {
      const { stale, maxAge, lag } = await shared.store.freshness(view, assessment.options);
      views.push({ view, stale, maxAge, lag });
    } catch (error) {
      // A view that computes on demand has no rows to be old.
      if (!isModelkeepError(error, 'validation')) throw error;
    }
  }
  const refs = (some: typeof views): RecordRef[] => some.map(({ view }) => ({ kind: 'feature-view', id: view }));
  const stale = views.filter((each) => each.stale);
  const undeclared = views.filter(({ maxAge }) => maxAge === null);
  const measured = { value: views.length - stale.length, threshold: views.length };
  if (stale.length > 0) return { status: 'fail', reason: `${stale.map(({ view, lag, maxAge }) => `'${view}' is ${lag === null ? 'empty' : `${lengthText(lag)} old`}, of at most ${lengthText(maxAge ?? 0)}`).join('; ')}.`, ...measured, evidence: refs(stale), fix: 'Ingest and materialize on a schedule that is shorter than the age that is allowed, and follow store.staleness().' };
  if (undeclared.length > 0) return unknown(`How old they may be is not declared of ${undeclared.map(({ view }) => `'${view}'`).join(', ')}.`, "Declare it: featureView({ …, freshness: { maxAge: '1h' } }).", { ...measured, evidence: refs(undeclared) });
  return { status: 'pass', reason: `What is behind ${features.service} (${counted(views.length, 'view')}) is as fresh as it is declared to be.`, ...measured, evidence: refs(views) };
}

/** The checks of where a version comes from. */
export const lineageChecks: readonly CheckDefinition[] = [
  { id: 'A6', level: 2, title: 'Training and serving take the same version of the features', judge: judgeSymmetry },
  { id: 'A7', level: 2, title: 'From the version in production its run, data, features, pipeline and code are found', unit: 'count', judge: judgeLineage },
];

/** The check of data before training. */
export const validationCheck: CheckDefinition = { id: 'A3', level: 2, title: 'Data are validated before the training, and what came of it is recorded', judge: judgeValidation };

/** The check of how old features are. */
export const freshnessCheck: CheckDefinition = { id: 'C6', level: 3, title: 'Features are as fresh as they are declared to be', unit: 'count', judge: judgeFreshness };
