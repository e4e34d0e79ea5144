import { NotFoundError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { ModelSignature } from '../../core/signature/model-signature.ts';
import type { ServedDeployment } from './served-deployment.ts';

/**
 * What the version that is to answer takes and gives. What a request of no version is read by is the version in use, whichever answers it in the end. A version that is named must be in memory: no stranger
 * has others loaded by asking for them.
 */
export async function servedSignature(deployment: ServedDeployment, { version, signal }: OperationOptions & { readonly version?: number | undefined }): Promise<ModelSignature | undefined> {
  // Only of what is in memory is there a signature.
  const known = deployment.signature(version);
  if (known !== undefined) return known;
  if (version === undefined) {
    if (!isReady(deployment)) await deployment.ready({ signal });
  } else if (!isReady(deployment, version)) throw new NotFoundError(`Version ${version} of '${deployment.model}' is not in memory.`);
  return deployment.signature(version);
}

/** Whether a version can answer; without one, that in use. */
export function isReady(deployment: ServedDeployment, version?: number): boolean {
  const { stable, versions } = deployment.status();
  const wanted = version ?? stable;
  return wanted !== undefined && versions.some((each) => each.version === wanted && each.state === 'ready');
}
