import type { Caller } from '../../core/abort.ts';
import { NotFoundError } from '../../core/errors.ts';
import type { ModelSignature } from '../../core/signature/model-signature.ts';
import { isDirect, type ServedDeployment } from './served-deployment.ts';

/**
 * What the version that is to answer takes and gives. What a request of no version is read by is the version in use, whichever answers it in the end. A version that is named must be in memory: no stranger
 * has others loaded by asking for them.
 */
export function servedSignature(deployment: ServedDeployment, version: number | undefined, caller: Caller): ModelSignature | undefined | Promise<ModelSignature | undefined> {
  // Only of what is in memory is there a signature.
  const known = deployment.signature(version);
  if (known !== undefined || isReady(deployment, version)) return known;
  if (version !== undefined) throw new NotFoundError(`Version ${version} of '${deployment.model}' is not in memory.`);
  return deployment.ready({ signal: caller.signal }).then(() => deployment.signature());
}

/** Whether a version can answer; without one, that in use. */
export function isReady(deployment: ServedDeployment, version?: number): boolean {
  if (isDirect(deployment)) return deployment.isReady(version);
  const { stable, versions } = deployment.status();
  const wanted = version ?? stable;
  return wanted !== undefined && versions.some((each) => each.version === wanted && each.state === 'ready');
}
