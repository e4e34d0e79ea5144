import type { Digest } from '../core/digest.ts';
import type { Key } from '../core/key.ts';
import type { LineageEdge } from '../core/record-ref.ts';
import type { Policy } from './gates.ts';
import { hasMember, type MemberSet } from './member-set.ts';
import type { StageState } from './stages.ts';

/**
 * The head record of a model. It has what changes and what is counted, and stays small: versions, evaluations and approvals are records of their own.
 */
export interface ModelState {
  readonly name: string;
  readonly description?: string | undefined;
  readonly owner?: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAt: number;
  /** When the model was deleted; its numbers are remembered, for they are never given again. */
  readonly deletedAt?: number | undefined;
  /** The number of the newest version; numbers are given in order and never again. */
  readonly lastVersion: number;
  readonly stages: StageState;
  /** Versions by alias. */
  readonly aliases: Readonly<Record<string, number>>;
  readonly retired: MemberSet;
  readonly deleted: MemberSet;
  /** All versions up to this one were deleted, with the model that they belonged to. */
  readonly deletedThrough: number;
  readonly policy: Policy;
  /** Counts the changes that a gate could see: stages, evaluations, approvals, the policy, what is told of a version. */
  readonly revision: number;
  /** Records that this state made and that may not have been written yet. Readers find them here until they are. */
  readonly pending: readonly PendingRecord[];
  /** The versions whose records are still to go: what was said of one of them, or all of those up to one. Numbers are given once, so this never meets a later version. */
  readonly sweeps: readonly Sweep[];
}

/** Versions whose records go. */
export type Sweep = { readonly version: number } | { readonly through: number };

/** A record that is written after the state that made it. */
export interface PendingRecord {
  readonly key: Key;
  readonly value: unknown;
  readonly blobs: readonly Digest[];
  readonly edges: readonly LineageEdge[];
  /** Absent: it is written once and never changes. A revision: it takes the place of what an earlier one made. */
  readonly edition?: number | undefined;
}

/** A state as it is stored, with the parts that older versions of modelkeep did not write. */
export function completed(stored: ModelState): ModelState {
  const none = new Uint8Array(0);
  return { ...{ aliases: {}, retired: none, deleted: none, deletedThrough: 0, sweeps: [] }, ...stored };
}

/** Whether a version was registered and is still there. */
export function isThere({ lastVersion, deletedThrough, deleted }: ModelState, version: number): boolean {
  return version > deletedThrough && version <= lastVersion && !hasMember(deleted, version);
}

/** The newest version that is there and in use, 0 when there is none. */
export function latestVersion(state: ModelState): number {
  for (let version = state.lastVersion; version > state.deletedThrough; version--) {
    if (!hasMember(state.deleted, version) && !hasMember(state.retired, version)) return version;
  }
  return 0;
}

/** The aliases that point at a version. */
export function aliasesOf({ aliases }: ModelState, version: number): string[] {
  return Object.keys(aliases).filter((alias) => aliases[alias] === version).sort();
}
