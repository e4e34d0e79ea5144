import { isModelkeepError } from '../core/errors.ts';
import type { Table } from '../core/table.ts';
import { leadOf, pairPredictions, type Lead } from './compare-predictions.ts';
import type { Measurement, StoredPredictions } from './evaluation.ts';
import type { ComparisonGate } from './gate-definition.ts';
import type { GateResult } from './gate-report.ts';
import { newestShared, noneShared, type Opponent } from './metric-gate.ts';

/** Decides a comparison on the predictions that both versions made of the newest dataset that both predicted. */
export async function decideComparisonGate(
  gate: ComparisonGate,
  version: number,
  measurements: readonly Measurement[],
  opponent: Opponent,
  read: (predictions: StoredPredictions) => Promise<Table>,
): Promise<GateResult> {
  const { metric, demand, margin, alpha } = gate;
  const result = (passed: boolean, reason: string, evidence: Readonly<Record<string, unknown>> = {}): GateResult => {
    return { gate: 'comparison', name: `comparison ${metric}`, passed, reason, evidence: { demand, margin, alpha, ...evidence } };
  };
  if ('empty' in opponent) return result(opponent.passes, opponent.empty);
  if (opponent.version === version) return result(true, `version ${version} is the one to compare with`, { against: { version } });
  const [mine, theirs] = [measurements, opponent.measurements].map((all) => all.filter(({ predictions }) => predictions !== undefined)) as [Measurement[], Measurement[]];
  const dataset = newestShared(mine, theirs);
  const against = { version: opponent.version };
  if (dataset === undefined) return result(false, noneShared('predictions', version, mine, opponent.version), { against });
  const [first, second] = [mine, theirs].map((all) => all.findLast((each) => each.dataset?.digest === dataset.digest)!) as [Measurement, Measurement];
  const facts = { dataset, evaluation: first.evaluation, against: { ...against, evaluation: second.evaluation } };
  const paired = pairPredictions(await read(first.predictions!), await read(second.predictions!));
  if (typeof paired === 'string') return result(false, `versions ${version} and ${opponent.version} cannot be compared: ${paired}`, facts);
  let found: Lead;
  try {
    found = leadOf(paired, gate);
  } catch (error) {
    if (!isModelkeepError(error, 'validation')) throw error;
    return result(false, `${metric} cannot be computed from the predictions: ${error.message}`, facts);
  }
  const { method, values, lead, low, high, n } = found;
  const evidence = { ...facts, method, n, dropped: paired.dropped, value: values[0], other: values[1], lead, low, high };
  if (![lead, low, high].every(Number.isFinite)) return result(false, `${metric} of ${n} rows is not a number for both versions, so they cannot be compared`, evidence);
  const passed = demand === 'not-worse' ? high >= -margin : demand === 'non-inferior' ? low > -margin : low > margin;
  const verdict = {
    'not-worse': passed ? 'not shown to be worse' : 'worse',
    'non-inferior': passed ? 'not inferior' : 'not shown to be no worse',
    superior: passed ? 'better' : 'not shown to be better',
  }[demand];
  const allowance = margin > 0 ? ` by more than ${margin}` : '';
  const [a, b, from, to] = [values[0], values[1], low, high].map((value) => Number(value.toPrecision(4)));
  const reason = `${metric} ${a!} against the ${b!} of version ${opponent.version} on ${n} rows of ${dataset.name ?? dataset.digest} is ${verdict}${allowance} (lead ${Number(lead.toPrecision(4))}, ${Math.round((1 - 2 * Math.min(alpha, 0.49)) * 1000) / 10} % interval ${from!} to ${to!}, ${method})`;
  return result(passed, reason, evidence);
}
