import type { Measurement } from './evaluation.ts';
import type { DriftGate } from './gate-definition.ts';
import type { GateResult } from './gate-report.ts';

/** Decides a gate on drift by the newest evaluation that tells of it. */
export function decideDriftGate({ maxShare }: DriftGate, measurements: readonly Measurement[]): GateResult {
  const about = { gate: 'drift', name: 'drift' };
  const newest = measurements.findLast(({ drift }) => drift !== undefined);
  if (newest?.drift === undefined) {
    return { ...about, passed: false, reason: 'no evaluation tells whether its data drifted; record one with { drift: compareData(training, current) }', evidence: { maxShare } };
  }
  const { status, driftedColumns, judged, summary } = newest.drift;
  const evidence = { maxShare, drifted: driftedColumns, judged, summary, evaluation: newest.evaluation, dataset: newest.dataset };
  if (status === 'insufficient' || judged === 0) return { ...about, passed: false, reason: 'too little data to judge whether it drifted; evaluate on more rows', evidence };
  const passed = driftedColumns.length <= maxShare * judged;
  const named = driftedColumns.slice(0, 3).join(', ') + (driftedColumns.length > 3 ? ', …' : '');
  return { ...about, passed, reason: `${driftedColumns.length} of ${judged} columns drifted${driftedColumns.length > 0 ? ` (${named})` : ''}`, evidence };
}
