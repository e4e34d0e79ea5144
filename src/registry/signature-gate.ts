import type { SignatureGate } from './gate-definition.ts';
import type { GateResult } from './gate-report.ts';
import type { VersionRecord } from './model-version.ts';
import { signatureDifferences } from './signature/signature-differences.ts';

const maxNamed = 5;

/** Decides whether a version can take the place of another: `number` is which one, and `incumbent` is absent when there is none such. */
export function decideSignatureGate({ against }: SignatureGate, { version, signature }: VersionRecord, number: number | undefined, incumbent: VersionRecord | undefined): GateResult {
  const result = (passed: boolean, reason: string, evidence: Readonly<Record<string, unknown>> = {}): GateResult => {
    return { gate: 'signature', name: 'signature', passed, reason, evidence: { against, ...evidence } };
  };
  if (signature === undefined) return result(false, `version ${version} has no signature; register it with what it takes and gives`);
  if (number === undefined) return result(true, `no version is in ${against}, so there is none to replace`);
  if (number === version) return result(true, `version ${version} is the one to compare with`);
  if (incumbent === undefined) return result(false, `version ${number}, to be compared with, does not exist`);
  if (incumbent.signature === undefined) return result(true, `version ${number} has no signature to be held to`, { version: number });
  const differences = signatureDifferences(signature, incumbent.signature);
  if (differences.length === 0) return result(true, `takes and gives what version ${number} does`, { version: number });
  const named = differences.slice(0, maxNamed).map(({ path, reason }) => `${path} ${reason}`);
  const more = differences.length > maxNamed ? `; and ${differences.length - maxNamed} more` : '';
  return result(false, `cannot take the place of version ${number}: ${named.join('; ')}${more}`, { version: number, differences });
}
