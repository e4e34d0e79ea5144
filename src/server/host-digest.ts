import { toHex } from '../core/bytes.ts';
import type { Digest } from '../core/digest.ts';

/** The digest of bytes by the host's own code, which does not hold up everyone else meanwhile. */
export async function hostDigestOf(bytes: Uint8Array): Promise<Digest> {
  return `sha256:${toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)))}`;
}
