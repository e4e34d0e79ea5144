import { decode } from '../../core/codec.ts';
import { collectBytes } from '../../core/bytes.ts';
import type { Digest } from '../../core/digest.ts';
import { IntegrityError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { ConfidenceEstimator } from '../../stats/estimation/confidence-estimator.ts';
import { DirectLossEstimator } from '../../stats/estimation/direct-loss-estimator.ts';
import type { StorageAdapter } from '../../storage/contract.ts';

/** The estimator of a monitor as it was stored. It is loaded when a monitor is opened that estimates. */
export async function readEstimator(storage: StorageAdapter, digest: Digest, monitor: string, { signal }: OperationOptions): Promise<ConfidenceEstimator | DirectLossEstimator> {
  const bytes = await storage.readBlob(digest, { signal });
  if (bytes === undefined) throw new IntegrityError(`The estimator of monitor '${monitor}' is gone from the storage; open the monitor with options.estimate.estimator.`, { key: digest });
  const state = decode(await collectBytes(bytes), digest) as { readonly kind?: unknown };
  return state.kind === 'direct-loss-estimator' ? DirectLossEstimator.fromJSON(state) : ConfidenceEstimator.fromJSON(state);
}
