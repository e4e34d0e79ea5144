import type { Measurement } from './evaluation.ts';
import type { GateResult } from './gate-report.ts';
import type { MetricGate } from './gate-definition.ts';

/** The version that a metric gate compares with, or why there is none to compare with. */
export type Opponent =
  | { readonly version: number; readonly measurements: readonly Measurement[] }
  | { readonly empty: string; readonly passes: boolean };

/** One demand of a gate. */
interface Finding {
  readonly passed: boolean;
  readonly reason: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Decides a metric gate over everything that was measured, oldest first. Absolute bounds look at the newest measurement that has the metric. */
export function decideMetricGate(gate: MetricGate, version: number, measurements: readonly Measurement[], opponent: Opponent | undefined): GateResult {
  const measured = measurements.filter(({ metrics }) => Object.hasOwn(metrics, gate.metric));
  const findings: Finding[] = [];
  if (gate.min !== undefined || gate.max !== undefined) findings.push(withinBounds(gate, measured.at(-1)));
  if (opponent) findings.push(notWorse(gate, version, measured, opponent));
  const failed = findings.filter((finding) => !finding.passed);
  return {
    gate: 'metric',
    name: `metric ${gate.metric}`,
    passed: failed.length === 0,
    reason: (failed.length > 0 ? failed : findings).map((finding) => finding.reason).join('; '),
    evidence: Object.assign({ goal: gate.goal }, ...findings.map((finding) => finding.evidence)) as Record<string, unknown>,
  };
}

function withinBounds({ metric, min, max }: MetricGate, measurement: Measurement | undefined): Finding {
  if (measurement === undefined) {
    return { passed: false, reason: `${metric} was never measured; record an evaluation that has it`, evidence: { min, max } };
  }
  const value = measurement.metrics[metric]!;
  const evidence = { value, min, max, evaluation: measurement.evaluation, dataset: measurement.dataset };
  const bound = min !== undefined && value < min ? min : max;
  const told = `${metric} is ${inWords(value, bound ?? value)[0]!}${measurement.evaluation === undefined ? ' as registered' : ''}`;
  if (!Number.isFinite(value)) return { passed: false, reason: `${told}, which is no measurement`, evidence };
  if (min !== undefined && value < min) return { passed: false, reason: `${told}, below ${min}`, evidence };
  if (max !== undefined && value > max) return { passed: false, reason: `${told}, above ${max}`, evidence };
  const bounds = [...(min === undefined ? [] : [`at least ${min}`]), ...(max === undefined ? [] : [`at most ${max}`])];
  return { passed: true, reason: `${told}, ${bounds.join(' and ')}`, evidence };
}

function notWorse(gate: MetricGate, version: number, measured: readonly Measurement[], opponent: Opponent): Finding {
  const { metric, goal, tolerance = 0 } = gate;
  if ('empty' in opponent) return { passed: opponent.passes, reason: opponent.empty, evidence: {} };
  if (opponent.version === version) return { passed: true, reason: `version ${version} is the one to compare with`, evidence: { against: { version } } };
  const theirs = opponent.measurements.filter(({ metrics }) => Object.hasOwn(metrics, metric));
  const dataset = newestShared(measured, theirs);
  if (dataset === undefined) return { passed: false, reason: noneShared(metric, version, measured, opponent.version), evidence: { against: { version: opponent.version } } };
  const on = ({ dataset: its }: Measurement): boolean => its?.digest === dataset.digest;
  const mine = measured.findLast(on)!;
  const other = theirs.findLast(on)!;
  const [a, b] = [mine.metrics[metric]!, other.metrics[metric]!];
  const lead = goal === 'maximize' ? a - b : b - a;
  // What overflowed or was divided by zero measures nothing, on whichever side it stands.
  const comparable = Number.isFinite(a) && Number.isFinite(b);
  // A difference within rounding of the tolerance is none.
  const slack = 4 * Number.EPSILON * Math.max(Math.abs(a), Math.abs(b), tolerance);
  const passed = comparable && lead >= -tolerance - slack;
  const verdict = passed ? 'is not worse than' : comparable ? 'is worse than' : 'cannot be compared with';
  const evidence = {
    compared: a,
    comparedEvaluation: mine.evaluation,
    comparedDataset: dataset,
    tolerance,
    against: { version: opponent.version, value: b, evaluation: other.evaluation },
  };
  const [mineShown, theirsShown] = inWords(a, b);
  const allowance = tolerance > 0 ? ` (tolerance ${tolerance})` : '';
  return {
    passed,
    reason: `${metric} ${mineShown!} ${verdict} the ${theirsShown!} of version ${opponent.version} on ${dataset.name ?? dataset.digest}${allowance}`,
    evidence,
  };
}

/** The dataset that both were measured on and that came up last: measuring on an old one again does not make it new. */
export function newestShared(mine: readonly Measurement[], theirs: readonly Measurement[]): Measurement['dataset'] {
  const firstSeen = new Map<string, number>();
  for (const { dataset, order } of [...mine, ...theirs]) {
    if (dataset) firstSeen.set(dataset.digest, Math.min(order, firstSeen.get(dataset.digest) ?? Infinity));
  }
  const known = new Set(theirs.map(({ dataset }) => dataset?.digest));
  let newest: Measurement['dataset'];
  for (const { dataset } of mine) {
    if (!dataset || !known.has(dataset.digest)) continue;
    if (newest === undefined || firstSeen.get(dataset.digest)! >= firstSeen.get(newest.digest)!) newest = dataset;
  }
  return newest;
}

/** That two versions were not measured on one dataset, and what to do about it. */
export function noneShared(metric: string, version: number, measured: readonly Measurement[], other: number): string {
  const dataset = measured.findLast((measurement) => measurement.dataset)?.dataset;
  const remedy = dataset ? `evaluate version ${other} on ${dataset.name ?? dataset.digest}` : `evaluate both on one dataset`;
  return `versions ${version} and ${other} have no dataset in common on which ${metric} was measured; ${remedy}`;
}

/** Numbers for a sentence, with as few digits (four at least) as tell the different ones apart; the evidence has all of them. */
function inWords(...values: readonly number[]): string[] {
  for (let digits = 4; digits < 17; digits++) {
    const rounded = values.map((value) => Number(value.toPrecision(digits)));
    if (values.every((value, i) => values.every((other, j) => Object.is(value, other) || rounded[i] !== rounded[j]))) return rounded.map(String);
  }
  return values.map(String);
}
