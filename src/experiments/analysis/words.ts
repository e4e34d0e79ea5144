import type { EffectInterval, MetricAnalysis, MetricComparison } from './ab-analysis.ts';

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
export function told({ metric }: MetricAnalysis, comparison: MetricComparison, confidence: number): string {
  const { variant, status, difference, adjusted } = comparison;
  const lift = tellingLift(comparison);
  const [interval, words] = lift === undefined ? [difference, number] : [lift, percent];
  const within = status === 'undefined' ? '' : ` (${percent(confidence)} interval ${signed(words(interval.low))} to ${signed(words(interval.high))})`;
  return `${metric} of ${variant}: ${signed(words(interval.effect))}${within}, ${pValue(adjusted.pValue)}`;
}

/** The lift of a comparison where it says something beside the difference. Where the control's measure may be 0 it does not: it is not known then on which side it lies though that of the difference is, or it may be a loss of everything as well as twice as much. */
export function tellingLift({ lift, difference }: Pick<MetricComparison, 'lift' | 'difference'>): EffectInterval | undefined {
  if (lift === undefined || sideOf(lift) !== sideOf(difference)) return undefined;
  return lift.low <= -1 && lift.high >= 1 ? undefined : lift;
}

/** The side of 0 on which an interval lies: -1, 1, or 0 when it holds 0. */
function sideOf({ low, high }: EffectInterval): number {
  return low > 0 ? 1 : high < 0 ? -1 : 0;
}

function signed(text: string): string {
  return text.startsWith('-') ? text : `+${text}`;
}
