import type { MetricAnalysis, MetricComparison } from './ab-analysis.ts';

/** A number as people read it. */
export function number(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** A share in percent. */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

/** A p-value. */
export function pValue(p: number): string {
  return p < 1e-4 ? 'p below 0.0001' : `p ${Number(p.toPrecision(2))}`;
}

/** A comparison in one clause: which metric, which variant, by how much. */
export function told({ metric }: MetricAnalysis, { variant, difference, lift, adjusted }: MetricComparison, confidence: number): string {
  const effect = lift === undefined ? `${signed(number(difference.effect))}` : `${signed(percent(lift.effect))} (${percent(confidence)} interval ${signed(percent(lift.low))} to ${signed(percent(lift.high))})`;
  return `${metric} of ${variant}: ${effect}, ${pValue(adjusted.pValue)}`;
}

function signed(text: string): string {
  return text.startsWith('-') ? text : `+${text}`;
}
