import type { Measurement } from './evaluation.ts';
import type { FreshnessGate } from './gate-definition.ts';
import type { GateResult } from './gate-report.ts';

const units = [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1_000]] as const;

/** Decides a gate on the age of a version and of its newest evaluation. */
export function decideFreshnessGate({ maxAgeMs, evaluatedWithinMs }: FreshnessGate, createdAt: number, measurements: readonly Measurement[], now: number): GateResult {
  const evaluatedAt = measurements.findLast(({ evaluation }) => evaluation !== undefined)?.at;
  const found: { readonly passed: boolean; readonly reason: string }[] = [];
  if (maxAgeMs !== undefined) found.push(judge('the version', now - createdAt, maxAgeMs));
  if (evaluatedWithinMs !== undefined) {
    found.push(evaluatedAt === undefined ? { passed: false, reason: 'it was never evaluated; record an evaluation' } : judge('its newest evaluation', now - evaluatedAt, evaluatedWithinMs));
  }
  const failed = found.filter(({ passed }) => !passed);
  return {
    gate: 'freshness',
    name: 'freshness',
    passed: failed.length === 0,
    reason: (failed.length > 0 ? failed : found).map(({ reason }) => reason).join('; '),
    evidence: { createdAt, evaluatedAt, now, maxAgeMs, evaluatedWithinMs },
  };
}

function judge(what: string, ageMs: number, limitMs: number): { passed: boolean; reason: string } {
  const passed = ageMs <= limitMs;
  return { passed, reason: `${what} is ${inWords(ageMs)} old, ${passed ? 'at most' : 'more than'} ${inWords(limitMs)}` };
}

function inWords(ms: number): string {
  const [unit, size] = units.find(([, each]) => Math.abs(ms) >= each) ?? ['ms', 1];
  return `${Number((ms / size).toFixed(1))} ${unit}`;
}
