import type { Measurement } from './evaluation.ts';
import type { SlicesGate } from './gate-definition.ts';
import type { GateResult } from './gate-report.ts';

/** Decides a gate on slices by the newest measurement that has the metric of any slice. */
export function decideSlicesGate({ metric, goal, bar, bars }: SlicesGate, measurements: readonly Measurement[]): GateResult {
  const about = { gate: 'slices', name: `slices ${metric}` };
  const newest = measurements.findLast(({ slices }) => Object.values(slices ?? {}).some((values) => Object.hasOwn(values, metric)));
  if (newest === undefined) return { ...about, passed: false, reason: `${metric} was never measured by slices; record an evaluation that has them`, evidence: { goal, bar, bars } };
  const values = new Map(Object.entries(newest.slices!).flatMap(([slice, each]) => (Object.hasOwn(each, metric) ? [[slice, each[metric]!] as const] : [])));
  const missing = Object.keys(bars).filter((slice) => !values.has(slice));
  const low = [...values].flatMap(([slice, value]) => {
    const worst = Object.hasOwn(bars, slice) ? bars[slice]! : bar;
    return worst === undefined || (goal === 'maximize' ? value >= worst : value <= worst) ? [] : [{ slice, value, bar: worst }];
  });
  const evidence = { goal, evaluation: newest.evaluation, dataset: newest.dataset, slices: Object.fromEntries(values), failed: low, missing };
  const side = goal === 'maximize' ? 'below' : 'above';
  const problems = [
    ...low.map(({ slice, value, bar: worst }) => `${metric} of ${slice} is ${Number(value.toPrecision(4))}, ${Number.isNaN(value) ? 'which is no measurement' : `${side} ${worst}`}`),
    ...missing.map((slice) => `${metric} of ${slice} was not measured`),
  ];
  const judged = [...values.keys()].filter((slice) => bar !== undefined || Object.hasOwn(bars, slice)).length;
  return { ...about, passed: problems.length === 0, reason: problems.length > 0 ? problems.join('; ') : `${metric} holds its bar in ${judged === 1 ? 'the slice' : `all ${judged} slices`}`, evidence };
}
