import type { Approval, ApprovalRecord } from './approval.ts';
import type { Actor } from './model-decisions.ts';
import { hasMember, withMember } from './member-set.ts';
import type { ModelState, PendingRecord } from './model-state.ts';
import { approvalKey, signatureKey, versionKey, type ModelDecision } from './model-store.ts';
import { versionRef, type VersionRecord } from './model-version.ts';
import type { SignatureRecord, VersionSignature } from './signing/version-signature.ts';
import { forgetVersion, moveToStage } from './stages.ts';
import { changedTags, type TagChanges } from './tags.ts';

/** What may be told anew of a version. */
export interface VersionTexts {
  readonly description?: string | null | undefined;
  readonly tags?: TagChanges | undefined;
}

/** Other texts for a version; no change where they are what they were. */
export function updateVersion(state: ModelState, record: VersionRecord, { description, tags }: VersionTexts, { by }: Actor): ModelDecision {
  const before = { description: record.description, tags: record.tags };
  const after = { description: description === undefined ? record.description : (description ?? undefined), tags: changedTags(record.tags, tags) };
  if (after.tags === record.tags && after.description === record.description) return undefined;
  const revision = state.revision + 1;
  return {
    state: { ...state, revision, pending: [...state.pending, edited(state, { ...record, ...after }, revision)] },
    event: { type: 'version-updated', by, subject: versionRef(state.name, record.version), data: { version: record.version, from: before, to: after } },
  };
}

/** A version out of use; no change when it is already. It must stand in no exclusive stage. */
export function retireVersion(state: ModelState, version: number, { by, reason }: Actor): ModelDecision {
  if (hasMember(state.retired, version)) return undefined;
  const archived = moveToStage(state.stages, version, 'archived')?.state ?? state.stages;
  return {
    state: { ...state, stages: forgetVersion(archived, version), retired: withMember(state.retired, version, true), revision: state.revision + 1 },
    event: { type: 'version-retired', by, reason, subject: versionRef(state.name, version), data: { version } },
  };
}

/** A retired version back in use, among the archived ones; no change when it is in use. */
export function reinstateVersion(state: ModelState, version: number, { by, reason }: Actor): ModelDecision {
  if (!hasMember(state.retired, version)) return undefined;
  return {
    state: { ...state, retired: withMember(state.retired, version, false), revision: state.revision + 1 },
    event: { type: 'version-reinstated', by, reason, subject: versionRef(state.name, version), data: { version } },
  };
}

/** A version gone for good, its contents given up to the collection of garbage. It must stand in no exclusive stage. */
export function deleteVersion(state: ModelState, { version, digest }: VersionRecord, { by, reason }: Actor): ModelDecision {
  const revision = state.revision + 1;
  const tombstone: PendingRecord = { key: versionKey(state.name, version), value: { version, deleted: true }, blobs: [], edges: [], edition: revision };
  return {
    state: {
      ...state,
      stages: forgetVersion(state.stages, version),
      deleted: withMember(state.deleted, version, true),
      revision,
      pending: [...state.pending, tombstone],
      sweeps: [...state.sweeps, { version }],
    },
    event: { type: 'version-deleted', by, reason, subject: versionRef(state.name, version), data: { version, digest } },
  };
}

/** Someone's word for a version, or taken back; no change where that was the last word of the same person. */
export function recordApproval(state: ModelState, approval: Approval, withdrawn: boolean, before: readonly ApprovalRecord[]): ModelDecision {
  const { id, version, by, reason } = approval;
  const last = before.findLast((each) => each.by === by);
  if ((last?.withdrawn ?? true) === withdrawn) return undefined;
  const revision = state.revision + 1;
  const record: ApprovalRecord = { ...approval, withdrawn, revision };
  return {
    state: { ...state, revision, pending: [...state.pending, { key: approvalKey(state.name, version, id), value: record, blobs: [], edges: [] }] },
    event: { type: withdrawn ? 'approval-withdrawn' : 'version-approved', by, reason, subject: versionRef(state.name, version), data: { version, approval: id } },
  };
}

/** A signature of a version. */
export function recordSignature(state: ModelState, signature: VersionSignature, { digest }: VersionRecord): ModelDecision {
  const { id, version, keyHint, by, reason } = signature;
  const revision = state.revision + 1;
  const record: SignatureRecord = { ...signature, revision };
  return {
    state: { ...state, revision, pending: [...state.pending, { key: signatureKey(state.name, version, id), value: record, blobs: [], edges: [] }] },
    event: { type: 'version-signed', by, reason, subject: versionRef(state.name, version, digest), data: { version, signature: id, digest, keyHint } },
  };
}

function edited({ name }: ModelState, record: VersionRecord, edition: number): PendingRecord {
  return { key: versionKey(name, record.version), value: { ...record, edition }, blobs: [...new Set(record.files.map((file) => file.digest))], edges: [], edition };
}
