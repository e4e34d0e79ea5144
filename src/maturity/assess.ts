import { throwIfAborted } from '../core/abort.ts';
import { NotFoundError } from '../core/errors.ts';
import { describeFailure } from '../core/failure.ts';
import { newId } from '../core/ids.ts';
import { FeatureStore } from '../features/feature-store.ts';
import type { ModelInfo } from '../registry/model-info.ts';
import { Registry } from '../registry/registry.ts';
import { isDamage } from '../storage/read-each.ts';
import { allChecks } from './checks/all-checks.ts';
import type { CheckDefinition, Finding } from './checks/check.ts';
import { Assessment, once } from './facts/assessment.ts';
import { ModelFacts, type SharedFacts } from './facts/model-facts.ts';
import { pipelineNames } from './facts/pipeline-facts.ts';
import { cheapest, levelOf, mappedLevel, nextFix } from './levels.ts';
import { checkAssessOptions, type AssessMaturityOptions } from './maturity-options.ts';
import { policyDigest } from './maturity-policy.ts';
import type { MaturityCheck, MaturityLevel, MaturityReport, ModelMaturity, ProjectMaturity } from './maturity-report.ts';
import { earlierReports, storeReport } from './stored-reports.ts';

/** A model with the version that is in production. */
interface ProductionModel {
  readonly model: ModelInfo;
  readonly production: number;
}

/** Reads what there is, judges it, and stores the report unless it is only to be looked at. */
export async function assess(given: AssessMaturityOptions): Promise<MaturityReport> {
  const options = checkAssessOptions(given);
  const { storage, clock, policy, signal, verify } = options;
  const assessment = new Assessment(options);
  const registry = new Registry({ storage, clock });
  const earlier = await earlierReports(storage, { until: assessment.now, verifiedSince: assessment.now - policy.verifiedWithin, trend: policy.trend, signal });
  for (const { id, error } of earlier.damaged) assessment.noteMessage(`maturity report ${id}`, error.message);
  const shared: SharedFacts = { assessment, registry, store: new FeatureStore({ storage, clock }), pipelineNames: once(() => pipelineNames(assessment)), verified: earlier.verified, verify };
  const { found, complete } = await modelsInProduction(registry, assessment, options.models);
  const models: ModelMaturity[] = [];
  for (const [i, { model, production }] of found.entries()) {
    throwIfAborted(signal, 'The assessment');
    options.onProgress?.({ phase: `assessing ${model.name}`, done: i, total: found.length });
    models.push(await assessModel(new ModelFacts(shared, model, production)));
  }
  options.onProgress?.({ phase: 'assessed', done: found.length, total: found.length });
  const project = projectOf(models, complete);
  const report: MaturityReport = {
    format: 'modelkeep.maturity/1',
    id: newId(),
    level: project.level,
    policyVersion: policy.version,
    policy: policyDigest(policy),
    assessedAt: assessment.now,
    window: { from: assessment.from, to: assessment.now },
    project,
    models,
    attestations: options.attestations.map((each) => ({ ...each, status: each.expiresAt > assessment.now ? 'valid' : 'expired' })),
    verified: assessment.verified,
    damaged: assessment.damaged,
    trend: earlier.trend,
  };
  if (options.store) await storeReport(storage, report, { signal });
  return report;
}

/** The models in production, by name, and whether all could be read. Throws `NotFoundError` for one that is named and is not in production. */
async function modelsInProduction(registry: Registry, assessment: Assessment, names: readonly string[] | undefined): Promise<{ readonly found: readonly ProductionModel[]; readonly complete: boolean }> {
  const { options } = assessment;
  const found: ProductionModel[] = [];
  if (names) {
    for (const name of new Set(names)) {
      const model = await registry.getModel(name, options);
      if (model.production === undefined) throw new NotFoundError(`No version of model '${name}' is in production, and maturity is that of models in production; promote one, or leave it out of options.models.`, { key: name });
      found.push({ model, production: model.production });
    }
    return { found: inOrder(found), complete: true };
  }
  let complete = true;
  let after: string | undefined;
  do {
    const page: Awaited<ReturnType<Registry['listModels']>> = await registry.listModels({ after, ...options });
    for (const { model, error } of page.damaged) {
      complete = false;
      assessment.noteMessage(`model '${model}'`, error.message);
    }
    for (const model of page.items) if (model.production !== undefined) found.push({ model, production: model.production });
    after = page.next;
  } while (after !== undefined);
  return { found: inOrder(found), complete };
}

function inOrder(models: readonly ProductionModel[]): readonly ProductionModel[] {
  return [...models].sort((a, b) => (a.model.name < b.model.name ? -1 : 1));
}

async function assessModel(facts: ModelFacts): Promise<ModelMaturity> {
  const checks: MaturityCheck[] = [];
  for (const definition of allChecks) {
    throwIfAborted(facts.assessment.signal, 'The assessment');
    checks.push(checkOf(facts, definition, await judged(facts, definition)));
  }
  const { name } = facts.model;
  return { model: name, version: facts.production, ...mappedLevel(levelOf(checks)), checks, nextFix: nextFix(name, checks) };
}

/** What a check has found; what it needs and cannot read makes it unknown, and no other. */
async function judged(facts: ModelFacts, { judge }: CheckDefinition): Promise<Finding> {
  try {
    return await judge(facts);
  } catch (error) {
    if (!isDamage(error)) throw error;
    facts.assessment.note(`records of model '${facts.model.name}'`, error);
    return { status: 'unknown', reason: `What it takes to tell cannot be read: ${describeFailure(error).message}`, fix: 'Look at the store with checkStore(), and restore what is damaged from a copy.' };
  }
}

function checkOf({ assessment: { policy } }: ModelFacts, { id, level, title, unit }: CheckDefinition, { status, reason, value, threshold, evidence = [], evidenceTotal, fix, after }: Finding): MaturityCheck {
  const told = evidence.slice(0, policy.maxEvidence);
  return {
    id,
    level,
    title,
    required: !policy.optional.includes(id),
    status,
    ...(value !== undefined && { value }),
    ...(threshold !== undefined && { threshold }),
    ...(unit !== undefined && (value !== undefined || threshold !== undefined) && { unit }),
    reason,
    evidence: told,
    evidenceTotal: evidenceTotal ?? evidence.length,
    ...(fix !== undefined && status !== 'pass' && { fix }),
    effort: policy.efforts[id] + (after === undefined || after === id ? 0 : policy.efforts[after]),
  };
}

function projectOf(models: readonly ModelMaturity[], complete: boolean): ProjectMaturity {
  const levels: [number, number, number, number] = [0, 0, 0, 0];
  for (const { level } of models) levels[level]++;
  const counts = { models: models.length, levels, complete };
  if (models.length === 0) return { ...mappedLevel(0), ...counts, reason: complete ? 'No model is in production.' : 'No model that can be read is in production.' };
  const level = Math.min(...models.map((model) => model.level)) as MaturityLevel;
  const lowest = models.filter((model) => model.level === level);
  const some = lowest.slice(0, 3).map(({ model }) => `'${model}'`).join(', ');
  const reason = `${lowest.length} of ${models.length} models in production ${lowest.length === 1 ? 'is' : 'are'} at level ${level}: ${some}${lowest.length > 3 ? '…' : ''}.`;
  return { ...mappedLevel(level), ...counts, reason, nextFix: cheapest(lowest.flatMap(({ nextFix: fix }) => (fix ? [fix] : []))) };
}
