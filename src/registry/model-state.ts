import type { Digest } from '../core/digest.ts';
import type { Key } from '../core/key.ts';
import type { LineageEdge } from '../core/record-ref.ts';
import type { Policy } from './gates.ts';
import type { StageState } from './stages.ts';

/**
 * The head record of a model. It has what changes and what is counted, and stays small: versions and evaluations are records of their own.
 */
export interface ModelState {
  readonly name: string;
  readonly description?: string | undefined;
  readonly owner?: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAt: number;
  /** The number of the newest version; numbers are given in order and never again. */
  readonly lastVersion: number;
  readonly stages: StageState;
  readonly policy: Policy;
  /** Counts the changes that a gate could see: stages, evaluations, the policy. */
  readonly revision: number;
  /** Records that this state made and that may not have been written yet. Readers find them here until they are. */
  readonly pending: readonly PendingRecord[];
}

/** A record that is written after the state that made it, once, and never changes. */
export interface PendingRecord {
  readonly key: Key;
  readonly value: unknown;
  readonly blobs: readonly Digest[];
  readonly edges: readonly LineageEdge[];
}
