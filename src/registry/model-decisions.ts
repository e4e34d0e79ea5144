import { canonicalJson } from '../core/codec.ts';
import { digestOf } from '../core/digest.ts';
import type { RecordRef } from '../core/record-ref.ts';
import { evaluationEdge, type EvaluationRecord } from './evaluation.ts';
import type { GateReport } from './gate-report.ts';
import type { Policy } from './gates.ts';
import type { ModelState } from './model-state.ts';
import { contentsKey, evaluationKey, versionKey, type ModelDecision } from './model-store.ts';
import { lineageOf, versionRef, type VersionRecord } from './model-version.ts';
import type { StageMoved } from './registry-event.ts';
import { moveToStage, rollBackTo, stageOf, type Stage, type StageMove } from './stages.ts';
import { changedTags, type TagChanges } from './tags.ts';

/** Who changes something, and why. */
export interface Actor {
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

/** Who changes something, and why, where both must be told. */
export interface Reasoned {
  readonly by: string;
  readonly reason: string;
}

/** A new model. */
export function createModel(model: Pick<ModelState, 'name' | 'description' | 'owner' | 'tags'>, { by }: Actor, now: number, former?: ModelState): ModelDecision {
  const none = new Uint8Array(0);
  const state: ModelState = {
    ...model,
    createdAt: now,
    // What bore the name before leaves its numbers used, and what is still to be done about its records.
    lastVersion: former?.lastVersion ?? 0,
    deletedThrough: former?.lastVersion ?? 0,
    revision: former?.revision ?? 0,
    pending: former?.pending ?? [],
    sweeps: former?.sweeps ?? [],
    stages: { archived: none, previous: [] },
    aliases: {},
    retired: none,
    deleted: none,
    policy: {},
  };
  return { state, event: { type: 'model-created', by, subject: modelRef(state), data: { model: model.name } } };
}

/** What may be told anew of a model. */
export interface ModelTexts {
  readonly description?: string | null | undefined;
  readonly owner?: string | null | undefined;
  readonly tags?: TagChanges | undefined;
}

/** Other texts for a model; no change where they are what they were. */
export function updateModel(state: ModelState, texts: ModelTexts, { by }: Actor): ModelDecision {
  const told = (now: string | undefined, then: string | null | undefined): string | undefined => (then === undefined ? now : (then ?? undefined));
  const before = { description: state.description, owner: state.owner, tags: state.tags };
  const after = { description: told(state.description, texts.description), owner: told(state.owner, texts.owner), tags: changedTags(state.tags, texts.tags) };
  if (after.description === before.description && after.owner === before.owner && after.tags === before.tags) return undefined;
  return { state: { ...state, ...after }, event: { type: 'model-updated', by, subject: modelRef(state), data: { from: before, to: after } } };
}

/** A model gone for good, with all its versions; its history and its numbers stay. */
export function deleteModel(state: ModelState, { by, reason }: Actor, now: number): ModelDecision {
  const { name, createdAt, lastVersion } = state;
  const none = new Uint8Array(0);
  const emptied = { stages: { archived: none, previous: [] }, aliases: {}, retired: none, deleted: none, tags: {}, policy: {}, pending: [] };
  return {
    state: { ...emptied, name, createdAt, deletedAt: now, lastVersion, deletedThrough: lastVersion, revision: state.revision + 1, sweeps: [{ through: lastVersion }] },
    event: { type: 'model-deleted', by, reason, subject: modelRef(state), data: { model: name, versions: lastVersion } },
  };
}

/** An alias at a version; no change where it points there already. */
export function setAlias(state: ModelState, alias: string, version: number, { by, reason }: Actor): ModelDecision {
  const from = Object.hasOwn(state.aliases, alias) ? state.aliases[alias] : undefined;
  if (from === version) return undefined;
  return {
    state: { ...state, aliases: { ...state.aliases, [alias]: version }, revision: state.revision + 1 },
    event: { type: 'alias-set', by, reason, subject: versionRef(state.name, version), data: { alias, from, to: version } },
  };
}

/** An alias gone; no change where there is none. */
export function deleteAlias(state: ModelState, alias: string, { by, reason }: Actor): ModelDecision {
  if (!Object.hasOwn(state.aliases, alias)) return undefined;
  const { [alias]: from, ...aliases } = state.aliases;
  return {
    state: { ...state, aliases, revision: state.revision + 1 },
    event: { type: 'alias-deleted', by, reason, subject: modelRef(state), data: { alias, from: from! } },
  };
}

/** A new version: it gets the next number. */
export function registerVersion(state: ModelState, contents: Omit<VersionRecord, 'version' | 'revision' | 'edition'>): ModelDecision {
  const record: VersionRecord = { ...contents, version: state.lastVersion + 1, revision: state.revision };
  const { version, digest, run, dataset, createdBy } = record;
  const pending = {
    key: versionKey(state.name, version),
    value: record,
    blobs: [...new Set(record.files.map((file) => file.digest))],
    edges: lineageOf(state.name, record),
  };
  const byContents = { key: contentsKey(state.name, contentsOf(record), version), value: { version }, blobs: [], edges: [] };
  return {
    state: { ...state, lastVersion: version, pending: [...state.pending, pending, byContents] },
    event: { type: 'version-registered', by: createdBy, subject: versionRef(state.name, version, digest), data: { version, digest, run, dataset } },
  };
}

/** A new evaluation of a version. */
export function recordEvaluation(state: ModelState, evaluation: Omit<EvaluationRecord, 'revision'>): ModelDecision {
  const revision = state.revision + 1;
  const { id, version, dataset, metrics, predictions, by } = evaluation;
  const record: EvaluationRecord = { ...evaluation, revision };
  const pending = { key: evaluationKey(state.name, version, id), value: record, blobs: predictions ? [predictions.digest] : [], edges: [evaluationEdge(evaluation)] };
  return {
    state: { ...state, revision, pending: [...state.pending, pending] },
    event: { type: 'evaluation-recorded', by, subject: versionRef(state.name, version), data: { version, evaluation: id, dataset, metrics } },
  };
}

/** Another policy. */
export function setPolicy(state: ModelState, policy: Policy, { by, reason }: Actor): ModelDecision {
  return {
    state: { ...state, policy, revision: state.revision + 1 },
    event: { type: 'policy-changed', by, reason, subject: modelRef(state), data: { from: state.policy, to: policy } },
  };
}

/** A version moved to a stage on the evidence of its gates; no change when it stands there already. */
export function changeStage(state: ModelState, version: number, to: Stage, { by, reason }: Actor, gates: GateReport): ModelDecision {
  const move = moveToStage(state.stages, version, to);
  if (!move) return undefined;
  const evidence = gates.gates.length > 0 ? { gates } : {};
  return {
    state: moved(state, move),
    event: { type: 'stage-changed', by, reason, subject: versionRef(state.name, version), data: { ...factsOf(move), forced: !gates.passed, ...evidence } },
  };
}

/** Nothing but the word that gates did not let a version pass, and why. */
export function refusePromotion(state: ModelState, { by, reason }: Actor, gates: GateReport): ModelDecision {
  const { version, stage } = gates;
  return { state, event: { type: 'promotion-refused', by, reason, subject: versionRef(state.name, version), data: { version, from: stageOf(state.stages, version), to: stage, gates } } };
}

/** What a version holds and which run made it, as part of a key. */
export function contentsOf({ digest, run }: Pick<VersionRecord, 'digest' | 'run'>): string {
  return digestOf(canonicalJson([digest, run ?? null])).slice('sha256:'.length);
}

/** A version that was in production before back there; no change when it is there already. */
export function rollBackModel(state: ModelState, version: number, { by, reason }: Actor): ModelDecision {
  const move = rollBackTo(state.stages, version);
  if (!move) return undefined;
  return { state: moved(state, move), event: { type: 'rolled-back', by, reason, subject: versionRef(state.name, move.version), data: factsOf(move) } };
}

function moved(state: ModelState, { state: stages }: StageMove): ModelState {
  return { ...state, stages, revision: state.revision + 1 };
}

function factsOf({ version, from, to, replaced }: StageMove): StageMoved {
  return { version, from, to, replaced };
}

function modelRef({ name }: { readonly name: string }): RecordRef {
  return { kind: 'model', id: name };
}
