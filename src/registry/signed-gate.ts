import { isModelkeepError } from '../core/errors.ts';
import type { SignedGate } from './gate-definition.ts';
import type { GateResult } from './gate-report.ts';
import type { VersionRecord } from './model-version.ts';
import type { VersionSignature } from './signing/version-signature.ts';

/** Decides whether a key signed just the files that a version has. */
export async function decideSignedGate({ publicKey }: SignedGate, { files }: VersionRecord, signatures: readonly VersionSignature[]): Promise<GateResult> {
  const result = (passed: boolean, reason: string, evidence: Readonly<Record<string, unknown>> = {}): GateResult => ({ gate: 'signed', name: 'signed', passed, reason, evidence });
  // Loaded where it is needed: few models have such a gate.
  const { checkSignedBy } = await import('./signing/verify-manifest.ts');
  try {
    const { keyHint } = await checkSignedBy(signatures.map(({ bundle }) => bundle), files, publicKey);
    const { by, at } = signatures.findLast((each) => each.keyHint === keyHint) ?? {};
    return result(true, `signed with the key ${keyHint.slice(0, 12)}…`, { keyHint, by, at, files: files.length });
  } catch (error) {
    // Whatever cannot be verified is not: a key that is none, no WebCrypto, no signature of that key.
    if (!isModelkeepError(error)) throw error;
    return result(false, error.message, { ...error.details });
  }
}
