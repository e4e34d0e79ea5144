import type { RecordRef } from '../core/record-ref.ts';
import { evaluationEdge, type EvaluationRecord } from './evaluation.ts';
import type { GateReport } from './gate-report.ts';
import type { Policy } from './gates.ts';
import type { ModelState } from './model-state.ts';
import { evaluationKey, versionKey, type ModelDecision } from './model-store.ts';
import { lineageOf, versionRef, type VersionRecord } from './model-version.ts';
import type { StageMoved } from './registry-event.ts';
import { moveToStage, rollBack, type Stage, type StageMove } from './stages.ts';

/** Who changes something, and why. */
export interface Actor {
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

/** A new model. */
export function createModel(model: Pick<ModelState, 'name' | 'description' | 'owner' | 'tags'>, { by }: Actor, now: number): ModelDecision {
  const state: ModelState = {
    ...model,
    createdAt: now,
    lastVersion: 0,
    stages: { archived: new Uint8Array(0), previous: [] },
    policy: {},
    revision: 0,
    pending: [],
  };
  return { state, event: { type: 'model-created', by, subject: modelRef(state), data: { model: model.name } } };
}

/** A new version: it gets the next number. */
export function registerVersion(state: ModelState, contents: Omit<VersionRecord, 'version' | 'revision'>): ModelDecision {
  const record: VersionRecord = { ...contents, version: state.lastVersion + 1, revision: state.revision };
  const { version, digest, run, dataset, createdBy } = record;
  const pending = {
    key: versionKey(state.name, version),
    value: record,
    blobs: [...new Set(record.files.map((file) => file.digest))],
    edges: lineageOf(state.name, record),
  };
  return {
    state: { ...state, lastVersion: version, pending: [...state.pending, pending] },
    event: { type: 'version-registered', by: createdBy, subject: versionRef(state.name, version, digest), data: { version, digest, run, dataset } },
  };
}

/** A new evaluation of a version. */
export function recordEvaluation(state: ModelState, evaluation: Omit<EvaluationRecord, 'revision'>): ModelDecision {
  const revision = state.revision + 1;
  const { id, version, dataset, metrics, by } = evaluation;
  const record: EvaluationRecord = { ...evaluation, revision };
  const pending = { key: evaluationKey(state.name, version, id), value: record, blobs: [], edges: [evaluationEdge(evaluation)] };
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

/** The previous version back in production; no change when there is none. */
export function rollBackModel(state: ModelState, { by, reason }: Actor): ModelDecision {
  const move = rollBack(state.stages);
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
