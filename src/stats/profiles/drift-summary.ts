import { numberText } from './bin-evidence.ts';
import type { BinShift, ColumnEvidence } from './drift-evidence.ts';
import type { MethodScore } from '../compatibility/comparison-method.ts';
import type { ColumnDrift, DriftStatus } from './data-drift.ts';
import type { DriftSettings } from './drift-settings.ts';

/** Why a column has its status, in words. */
export function explainColumn(evidence: ColumnEvidence, status: DriftStatus, adjustedPValue: number | undefined, settings: DriftSettings): string {
  const { effect, unjudged, moved, unseen } = evidence;
  if (status === 'insufficient') return unjudged!;
  const p = `adjusted p ${probabilityText(adjustedPValue!)}`;
  const size = `PSI ${numberText(round(effect!.value))} (95 % interval ${numberText(round(effect!.low))} to ${numberText(round(effect!.high))})`;
  if (status === 'drifted') {
    const news = unseen ? `; ${unseen.rows} rows in ${unseen.categories} categories that the reference does not have` : '';
    return `${size}, ${p}; ${moved.slice(0, 2).map(shiftText).join(', ')}${news}`;
  }
  if (adjustedPValue! > settings.alpha) return `no significant difference: ${p}, ${size}`;
  if (effect!.high < settings.minEffect) return `a real but small difference: ${p}, ${size}, below ${settings.minEffect}`;
  return `a real difference, but too few rows to tell whether it is large: ${p}, ${size}, not surely above ${settings.minEffect}`;
}

/** What another system says of a column, in words. */
export function explainScore({ system, method, score, threshold, driftIf, drift }: MethodScore): string {
  const rule = `${system}:${method}`;
  if (score === null) return `${rule} is not defined on these values: a side is empty, or has what the method cannot compare`;
  if (threshold === null) return `${rule} has no threshold: it is taken from ten chunks of the reference, which has no values in them or too few rows`;
  return `${rule} is ${numberText(score)} and calls it drift when ${driftIf} ${numberText(threshold)}: ${drift ? 'drift' : 'no drift'}`;
}

/** The verdict on a data set, in words that name what drifted. */
export function summarise(columns: readonly ColumnDrift[], drifted: readonly ColumnDrift[]): string {
  const unjudged = columns.filter(({ status }) => status === 'insufficient');
  const judged = columns.length - unjudged.length;
  const first = unjudged[0];
  const rest = first === undefined ? '' : ` ${unjudged.length} could not be judged: ${nameList(unjudged)} (${reasonOf(unjudged)}).`;
  if (columns.length === 0) return 'There is no column to compare.';
  if (judged === 0) return `No column could be judged: ${reasonOf(unjudged)}.`;
  if (drifted.length === 0) return `None of ${judged} ${judged === 1 ? 'column' : 'columns'} drifted.${rest}`;
  const told = drifted.slice(0, 5).map((column) => {
    const role = column.role === 'prediction' ? ', the prediction' : '';
    return `${column.name}${role} (${measureOf(column)}${column.moved[0] ? `: ${shiftText(column.moved[0])}` : ''})`;
  });
  const more = drifted.length > 5 ? ` and ${drifted.length - 5} more` : '';
  return `${drifted.length} of ${judged} ${judged === 1 ? 'column' : 'columns'} drifted: ${told.join(', ')}${more}.${rest}`;
}

function measureOf({ score, effect }: ColumnDrift): string {
  return score === undefined ? `PSI ${numberText(round(effect!.value))}` : `${score.system}:${score.method} ${numberText(score.score!)}`;
}

function shiftText({ bin, reference, current }: BinShift): string {
  return `${bin} went from ${percent(reference)} to ${percent(current)} of rows`;
}

function nameList(columns: readonly ColumnDrift[]): string {
  const names = columns.slice(0, 5).map(({ name }) => name);
  return `${names.join(', ')}${columns.length > 5 ? ' …' : ''}`;
}

/** Why columns could not be judged, in one reason when they have one, otherwise by the first of them. */
function reasonOf(unjudged: readonly ColumnDrift[]): string {
  const { name, reason } = unjudged[0]!;
  return unjudged.every((column) => column.reason === reason) ? reason : `${name}: ${reason}; the reasons of the others are in columns`;
}

function percent(share: number): string {
  const value = share * 100;
  if (value === 0 || value >= 10) return `${Math.round(value)} %`;
  return value < 0.01 ? 'under 0.01 %' : `${Number(value.toPrecision(2))} %`;
}

function probabilityText(p: number): string {
  return p < 1e-16 ? 'under 1e-16' : String(Number(p.toPrecision(2)));
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
