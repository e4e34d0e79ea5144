import { describeFailure } from '../../core/failure.ts';
import type { RecordRef } from '../../core/record-ref.ts';
import type { GateReport } from '../../registry/gate-report.ts';
import { verifyFiles } from '../../registry/verify-files.ts';
import { isDamage } from '../../storage/read-each.ts';
import { readArtifacts } from '../facts/run-artifacts.ts';
import type { ModelFacts, StageChange } from '../facts/model-facts.ts';
import { lengthText, notApplicable, unknown, versionRefOf, type CheckDefinition, type Finding } from './check.ts';

/** How much of a version is read to see whether it still loads, as a rollback does. */
const loadedBytes = 8_000_000;

/** T5: versions say which run made them. */
async function judgeLinks(facts: ModelFacts): Promise<Finding> {
  const { total, linked, unlinked } = await facts.versions();
  const threshold = facts.assessment.policy.linkedVersions;
  const reason = `${linked} of ${total} versions name a run that is there.`;
  if (total === 0) return unknown('No version can be read.', 'Restore the records of the versions from a copy.', { threshold });
  const value = linked / total;
  if (value >= threshold) return { status: 'pass', reason, value, threshold, evidence: [versionRefOf(facts, facts.production)] };
  return { status: 'fail', reason, value, threshold, evidence: unlinked, evidenceTotal: total - linked, fix: 'Register versions with { run }, and keep the runs that made them; versions that nobody needs any more can be deleted.' };
}

/** T6: the version in production says what it takes and gives, and its files were verified lately. */
async function judgeVerified(facts: ModelFacts): Promise<Finding> {
  const { assessment, production } = facts;
  const threshold = assessment.policy.verifiedWithin;
  const version = await facts.version();
  const evidence = [versionRefOf(facts, production)];
  const verified = await lastVerified(facts);
  if (verified instanceof Error) return { status: 'fail', reason: `Version ${production} is damaged: ${describeFailure(verified).message}`, threshold, evidence, fix: 'Restore its files from a copy of the store, or roll back to a version that is whole.' };
  const value = verified === undefined ? undefined : assessment.now - verified;
  const measured = { threshold, evidence, ...(value !== undefined && { value }) };
  const sign = version.signature === undefined ? ['Register versions with a signature of what they take and give.'] : [];
  const verifying = 'Call assessMaturity with verify: true (or maturity --verify), put gates.integrity() before production, or promote anew through it: each reads all files and leaves a record.';
  const late = value !== undefined && value > threshold;
  if (sign.length > 0 || late) {
    const reason = [...(sign.length > 0 ? [`Version ${production} has no signature of what it takes and gives`] : []), ...(late ? [`its files were verified ${lengthText(value)} ago`] : [])].join(', and ');
    return { status: 'fail', reason: `${capital(reason)}.`, fix: [...sign, ...(late ? [verifying] : [])].join(' '), ...measured };
  }
  if (value === undefined) return unknown(`Version ${production} has a signature, and no record says that its files were verified.`, verifying, measured);
  return { status: 'pass', reason: `Version ${production} has a signature, and its files were verified ${value === 0 ? 'now' : `${lengthText(value)} ago`}.`, ...measured };
}

/** When the files of the version in production were read whole: by the integrity gate of a promotion, or by an assessment. */
async function lastVerified(facts: ModelFacts): Promise<number | Error | undefined> {
  const { assessment, production, shared, model } = facts;
  const version = await facts.version();
  if (shared.verify) {
    try {
      await verifyFiles(assessment.storage, version, Infinity, assessment.options);
    } catch (error) {
      assessment.note(`the files of version ${production} of model '${model.name}'`, error);
      return error as Error;
    }
    assessment.verified.push({ model: model.name, version: production, digest: version.digest, at: assessment.now });
    return assessment.now;
  }
  const earlier = shared.verified.filter((each) => each.model === model.name && each.version === production && each.digest === version.digest).map(({ at }) => at);
  const gated = (await facts.changes()).flatMap(({ type, at, data }) => (type === 'stage-changed' && data.version === production && passedIntegrity(data.gates) ? [at] : []));
  const times = [...earlier, ...gated];
  return times.length === 0 ? undefined : Math.max(...times);
}

function passedIntegrity(report: GateReport | undefined): boolean {
  return report?.gates.some(({ gate, passed }) => gate === 'integrity' && passed) ?? false;
}

/** T7: changes of stages say who, when and why. */
async function judgeActors(facts: ModelFacts): Promise<Finding> {
  const changes = await facts.changes();
  if (changes.length === 0) return unknown('No change of a stage is in the history.', 'Restore the history of the model from a copy.');
  const nameless = changes.filter(({ by, reason }) => !by || !reason);
  const told = `${changes.length - nameless.length} of ${changes.length} changes of stages say who made them and why.`;
  const measured = { value: (changes.length - nameless.length) / changes.length, threshold: 1 };
  if (nameless.length === 0) return { status: 'pass', reason: told, ...measured, evidence: [refOfModel(facts)] };
  return { status: 'fail', reason: told, ...measured, evidence: nameless.map(({ data }) => versionRefOf(facts, data.version)), fix: 'Give by and reason to every promotion and rollback.' };
}

/** T8: the version before can be gone back to. */
async function judgeRollback(facts: ModelFacts): Promise<Finding> {
  const { assessment, model, shared } = facts;
  const { rollbackTo } = model;
  if (rollbackTo === undefined) {
    const served = new Set((await facts.changes()).filter(({ data }) => data.to === 'production').map(({ data }) => data.version));
    if (served.size <= 1) return notApplicable('It has had one version in production, so that there is none to go back to.');
    return { status: 'fail', reason: 'No version is left to go back to.', evidence: [refOfModel(facts)], fix: 'Promote versions over the one in production, rather than moving it out by name, and keep those before in use.' };
  }
  const evidence = [versionRefOf(facts, rollbackTo)];
  try {
    const version = await shared.registry.getVersion(`${model.name}@${rollbackTo}`, assessment.options);
    await verifyFiles(assessment.storage, version, loadedBytes, assessment.options);
    return { status: 'pass', reason: `Version ${rollbackTo} is whole and can be gone back to.`, evidence };
  } catch (error) {
    if (!isDamage(error)) throw error;
    assessment.note(`version ${rollbackTo} of model '${model.name}'`, error);
    return { status: 'fail', reason: `Version ${rollbackTo} cannot be gone back to: ${describeFailure(error).message}`, evidence, fix: 'Restore its files from a copy of the store, or promote a version that is whole, so that there is one behind it.' };
  }
}

/** C8: the version in production is signed by a key, and has a model card and a bill of materials. */
async function judgeDocuments(facts: ModelFacts): Promise<Finding> {
  const { assessment, model, production, shared } = facts;
  const ref = `${model.name}@${production}`;
  const [version, signatures, run] = await Promise.all([facts.version(), shared.registry.signatures(ref, assessment.options), facts.sourceRun()]);
  const artifacts = run === undefined ? [] : await readArtifacts(assessment, run.id);
  const names = [...version.files.map(({ path }) => path), ...artifacts.map(({ name }) => name)];
  const has = (pattern: RegExp, tag: string): boolean => names.some((name) => pattern.test(name)) || (version.tags[tag] ?? '') !== '';
  const lacks = [
    ...(signatures.length === 0 ? [['a signature of a key', `Sign it: registry.sign('${ref}', { key, by, reason }).`]] : []),
    ...(has(/(?:^|\/)(?:readme|model[-_]?card)\.md$/i, 'model-card') ? [] : [['a model card', 'Log registry.modelCard() as model-card.md with the run, put it among the files as README.md, or say where it is in the tag model-card.']]),
    ...(has(/(?:^|\/)(?:ml-?)?bom(?:\.cdx)?\.json$|\.cdx\.json$/i, 'ml-bom') ? [] : [['a bill of materials', 'Log registry.bom() as bom.cdx.json with the run, put it among the files, or say where it is in the tag ml-bom.']]),
  ];
  const evidence = [versionRefOf(facts, production)];
  const measured = { value: 3 - lacks.length, threshold: 3, evidence };
  if (lacks.length === 0) return { status: 'pass', reason: `Version ${production} is signed, and has a model card and a bill of materials.`, ...measured };
  return { status: 'fail', reason: `Version ${production} lacks ${lacks.map(([what]) => what).join(' and ')}.`, ...measured, fix: lacks.map(([, fix]) => fix).join(' ') };
}

/** The changes that brought a version into production by name. */
export function promotionsOf(changes: readonly StageChange[]): Extract<StageChange, { type: 'stage-changed' }>[] {
  return changes.filter((change): change is Extract<StageChange, { type: 'stage-changed' }> => change.type === 'stage-changed' && change.data.to === 'production');
}

/** What points at the model. */
function refOfModel({ model }: ModelFacts): RecordRef {
  return { kind: 'model', id: model.name };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The checks of versions that are of the first level. */
export const versionChecks: readonly CheckDefinition[] = [
  { id: 'T5', level: 1, title: 'Versions say which run made them', unit: 'share', judge: judgeLinks },
  { id: 'T6', level: 1, title: 'The version in production has a signature of its inputs, and its files were verified lately', unit: 'milliseconds', judge: judgeVerified },
  { id: 'T7', level: 1, title: 'Every change of a stage says who made it, when and why', unit: 'share', judge: judgeActors },
  { id: 'T8', level: 1, title: 'The version before can be gone back to', judge: judgeRollback },
];

/** The check of what goes along with the version in production. */
export const documentsCheck: CheckDefinition = { id: 'C8', level: 3, title: 'The version in production is signed, and has a model card and a bill of materials', unit: 'count', judge: judgeDocuments };
