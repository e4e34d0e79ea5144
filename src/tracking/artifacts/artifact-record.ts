import type { Digest } from '../../core/digest.ts';
import { NotFoundError } from '../../core/errors.ts';
import type { LineageEdge } from '../../core/record-ref.ts';
import type { ReadOptions, StorageAdapter } from '../../storage/contract.ts';
import { readValue, type ValueRecord } from '../../storage/records.ts';
import { checkName } from '../metric-name.ts';
import { keys } from '../tracking-keys.ts';

/** A file that a run produced. */
export interface ArtifactRecord {
  /**
   * Unique in its run; may have folders, as in `plots/roc.svg`. Names are told apart exactly: `A` and `a` are two artifacts, and so are the two ways in which Unicode writes `é`.
   * Where files have to tell them apart too, not every disk can.
   */
  readonly name: string;
  /** Content address of its bytes. */
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Such as `application/json`. What was claimed of the bytes, not what they were found to be. */
  readonly mediaType: string;
  /** Epoch milliseconds. */
  readonly loggedAt: number;
}

/** The record of an artifact. Throws `NotFoundError` when the run has none of that name. */
export async function findArtifact(storage: StorageAdapter, runId: string, name: string, options: ReadOptions): Promise<ValueRecord<ArtifactRecord>> {
  const record = await readValue<ArtifactRecord>(storage, keys.artifact(runId, checkName(name, 'An artifact')), options);
  if (record) return record;
  throw new NotFoundError(`Run ${runId} has no artifact '${name}'; tracker.artifacts('${runId}') lists what it has.`, { key: name });
}

/** That a run produced an artifact. */
export function producedEdge(runId: string, { name, digest, loggedAt }: ArtifactRecord): LineageEdge {
  return { from: { kind: 'run', id: runId }, relation: 'produced', to: { kind: 'artifact', id: `${runId}/${name}`, digest }, at: loggedAt };
}
