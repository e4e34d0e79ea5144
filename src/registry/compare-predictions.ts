import { columnValues } from '../core/column.ts';
import { ValidationError } from '../core/errors.ts';
import type { Table } from '../core/table.ts';
import { compareRocAuc } from '../stats/metrics/compare-roc-auc.ts';
import { bootstrap } from '../stats/resampling/bootstrap.ts';
import { mcNemarTest } from '../stats/tests/mcnemar-test.ts';
import type { ComparableMetric, ComparisonGate } from './gate-definition.ts';

/** Two versions' predictions of the same examples. */
export interface PairedPredictions {
  readonly labels: readonly (string | number)[];
  readonly first: readonly (string | number)[];
  readonly second: readonly (string | number)[];
  /** Rows that only one of the two has, or whose label or prediction is missing. */
  readonly dropped: number;
}

/** How far the first version leads: positive is better, whichever way the metric runs. */
export interface Lead {
  readonly method: 'mcnemar' | 'delong' | 'bootstrap';
  /** The metric of the first version and of the second. */
  readonly values: readonly [first: number, second: number];
  readonly lead: number;
  /** The ends of its interval: outside of each lies alpha. */
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

/** The rows of two tables of predictions that are about the same examples: those of the same `id` where both have one, else those of the same place. A text says why there are none. */
export function pairPredictions(first: Table, second: Table): PairedPredictions | string {
  const byId = [first, second].every(({ columns }) => Object.hasOwn(columns, 'id'));
  if (!byId && first.rowCount !== second.rowCount) {
    return `their predictions have ${first.rowCount} and ${second.rowCount} rows and no ids to match them by; evaluate both on the same rows`;
  }
  const [one, other] = [columnsOf(first), columnsOf(second)];
  const rowOf = byId ? new Map(Array.from({ length: second.rowCount }, (_, i) => [plain(other.id![i]), i])) : undefined;
  const paired = { labels: [] as (string | number)[], first: [] as (string | number)[], second: [] as (string | number)[] };
  let disagreeing = 0;
  for (let i = 0; i < first.rowCount; i++) {
    const j = rowOf ? rowOf.get(plain(one.id![i])) : i;
    if (j === undefined) continue;
    const [label, theirs, a, b] = [plain(one.label[i]), plain(other.label[j]), plain(one.prediction[i]), plain(other.prediction[j])];
    if (label === undefined || theirs === undefined || a === undefined || b === undefined) continue;
    if (label !== theirs) disagreeing++;
    paired.labels.push(label);
    paired.first.push(a);
    paired.second.push(b);
  }
  if (disagreeing > 0) return `their labels differ in ${disagreeing} of ${paired.labels.length} rows, so these are not the same examples; evaluate both on the same rows`;
  if (paired.labels.length === 0) return 'their predictions have no row in common; evaluate both on the same rows';
  return { ...paired, dropped: Math.max(first.rowCount, second.rowCount) - paired.labels.length };
}

/** How far the first version leads on the same examples. Throws `ValidationError` when labels or predictions are not what the metric takes. */
export function leadOf(paired: PairedPredictions, { metric, demand, margin, alpha, resamples, seed }: ComparisonGate): Lead {
  const confidence = 1 - 2 * Math.min(alpha, 0.49);
  const n = paired.labels.length;
  if (metric === 'auc') {
    const { first, second, difference, low, high } = compareRocAuc(paired.labels, numbers(paired.first), numbers(paired.second), { confidence });
    return { method: 'delong', values: [first, second], lead: difference, low, high, n };
  }
  const [losses, others] = [lossesOf(metric, paired.labels, paired.first), lossesOf(metric, paired.labels, paired.second)];
  const values: [number, number] = [metricOf(metric, losses), metricOf(metric, others)];
  if (metric === 'accuracy' && margin === 0 && demand !== 'non-inferior') {
    const [onlyFirst, onlySecond] = [count(losses, others), count(others, losses)];
    const { low, high, discordant } = mcNemarTest([[0, onlyFirst], [onlySecond, 0]], { confidence });
    const share = (odds: number): number => (odds === Infinity ? 1 : odds / (1 + odds));
    const lead = (onlyFirst - onlySecond) / n;
    return { method: 'mcnemar', values, lead, low: ((2 * share(low) - 1) * discordant) / n, high: ((2 * share(high) - 1) * discordant) / n, n };
  }
  const lead = (a: Float64Array, b: Float64Array): number => (metric === 'accuracy' ? metricOf(metric, a) - metricOf(metric, b) : metricOf(metric, b) - metricOf(metric, a));
  const { value, low, high } = bootstrap([losses, others], lead, { paired: true, confidence, resamples, seed });
  return { method: 'bootstrap', values, lead: value, low, high, n };
}

/** Per example: whether it is right (accuracy), or how wrong it is. */
function lossesOf(metric: Exclude<ComparableMetric, 'auc'>, labels: PairedPredictions['labels'], predictions: PairedPredictions['first']): Float64Array {
  if (metric === 'accuracy') return Float64Array.from(labels, (label, i) => Number(label === predictions[i]));
  const [truths, said] = [numbers(labels), numbers(predictions)];
  if (metric === 'logLoss' || metric === 'brier') {
    const stray = truths.findIndex((truth, i) => (truth !== 0 && truth !== 1) || !(said[i]! >= 0 && said[i]! <= 1));
    if (stray >= 0) throw new ValidationError(`${metric} takes labels of 0 and 1 and probabilities, not label ${labels[stray]!} with prediction ${predictions[stray]!}.`, { path: 'predictions' });
  }
  return said.map((prediction, i) => {
    const truth = truths[i]!;
    if (metric === 'logLoss') return -Math.log(Math.max(Number.EPSILON, truth === 1 ? prediction : 1 - prediction));
    const error = Math.abs(prediction - truth);
    return metric === 'mae' ? error : error * error;
  });
}

function metricOf(metric: Exclude<ComparableMetric, 'auc'>, losses: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < losses.length; i++) sum += losses[i]!;
  const mean = sum / losses.length;
  return metric === 'rmse' ? Math.sqrt(mean) : mean;
}

function count(right: Float64Array, others: Float64Array): number {
  let rows = 0;
  for (let i = 0; i < right.length; i++) if (right[i] === 1 && others[i] === 0) rows++;
  return rows;
}

function columnsOf({ columns }: Table): { readonly label: ArrayLike<unknown>; readonly prediction: ArrayLike<unknown>; readonly id: ArrayLike<unknown> | undefined } {
  return { label: columnValues(columns['label']!), prediction: columnValues(columns['prediction']!), id: columns['id'] && columnValues(columns['id']) };
}

/** Numbers for booleans and whole numbers, so that `true` is 1 on whichever side it stands; nothing for what is missing. */
function plain(value: unknown): string | number | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || typeof value === 'bigint' || value instanceof Date) return Number(value);
  return typeof value === 'number' && !Number.isNaN(value) ? value : undefined;
}

function numbers(values: readonly (string | number)[]): Float64Array {
  return Float64Array.from(values, (value) => (typeof value === 'number' ? value : NaN));
}
