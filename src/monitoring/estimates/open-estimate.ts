import type { Digest } from '../../core/digest.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import type { MonitorEstimateOptions } from './estimate-options.ts';

/** Of which monitor an estimator is opened. */
interface OpenedMonitor extends OperationOptions {
  readonly storage: StorageAdapter;
  readonly name: string;
  readonly estimate?: MonitorEstimateOptions | undefined;
}

/** How a monitor that is opened estimates: by the estimator that is given, else by the one that is stored. */
export async function openEstimate({ storage, name, estimate, signal }: OpenedMonitor, stored: Digest | undefined): Promise<MonitorEstimateOptions | undefined> {
  if (estimate === undefined || estimate.estimator !== undefined || stored === undefined) return estimate;
  const { readEstimator } = await import('./read-estimator.ts');
  return { ...estimate, estimator: await readEstimator(storage, stored, name, { signal }) };
}
