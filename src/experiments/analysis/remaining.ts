import { normal } from '../../stats/distributions/normal.ts';
import type { UnitTable } from '../unit-table.ts';
import type { RemainingTime } from './ab-analysis.ts';
import type { AnalyzeSettings } from './analyze-options.ts';
import type { RawComparison } from './compare-metric.ts';
import type { Judge } from './judge.ts';

const dayMs = 86_400_000;
// What takes so many times as long is out of sight.
const farthest = 1000;

/** How much longer: to the end of the plan, or until an effect of the size that is worthwhile, or the one seen, would be found; `undefined` where that cannot be told. */
export function remainingOf(table: UnitTable, informed: number, primaries: readonly RawComparison[], judge: Judge, confidence: number, settings: AnalyzeSettings): RemainingTime | undefined {
  const planned = settings.looks?.units ?? settings.plannedUnits;
  const factors = primaries.map((each) => factorOf(each, judge, confidence, settings)).filter((factor) => factor !== undefined);
  if (planned === undefined && factors.length === 0) return undefined;
  const units = planned === undefined ? Math.ceil((Math.min(...factors) - 1) * informed) : Math.max(0, planned - informed);
  const rate = unitsPerDay(table);
  return { units, ...(rate !== undefined && { days: units / rate }) };
}

/** How many times as many units it takes. */
function factorOf({ status, difference, standardError, control, units }: RawComparison, judge: Judge, confidence: number, { power, worthwhile }: AnalyzeSettings): number | undefined {
  if (status === 'undefined') return undefined;
  const target = Math.abs(worthwhile === undefined ? difference.effect : worthwhile * control);
  const needed = Math.max(0, normal.quantile(power));
  const found = (factor: number): boolean => (judge.reach(units * factor, confidence) + needed) * (standardError / Math.sqrt(factor)) <= target;
  if (!found(farthest)) return undefined;
  let [low, high] = [1, farthest];
  if (found(low)) return 1;
  while (high / low > 1.001) {
    const middle = Math.sqrt(low * high);
    if (found(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function unitsPerDay({ exposedAt, units }: UnitTable): number | undefined {
  let [first, last] = [Infinity, -Infinity];
  for (let i = 0; i < units; i++) {
    const at = exposedAt[i]!;
    if (at < first) first = at;
    if (at > last) last = at;
  }
  const days = (last - first) / dayMs;
  return days > 0 && Number.isFinite(days) ? units / days : undefined;
}
