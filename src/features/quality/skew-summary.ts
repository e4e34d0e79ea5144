import type { ColumnDrift } from '../../stats/profiles/data-drift.ts';
import type { FeatureTally } from './feature-tally.ts';
import type { FeatureSkew, SkewCause, SkewReport, SkewStatus } from './skew-report.ts';
import type { SkewSettings } from './skew-options.ts';

const severity: Readonly<Record<SkewStatus, number>> = { equal: 0, unjudged: 1, late: 2, skewed: 3 };

const causeTexts: Readonly<Record<SkewCause, string>> = {
  late: 'explained by rows that were ingested later',
  stale: 'served of an online record that lacked rows',
  unlogged: 'served of rows that are not in the log',
  default: 'of another default',
  version: 'of another version',
  function: 'of an on-demand function that gave something else for the same inputs',
  unknown: 'unexplained',
};

/** The worst of some verdicts; `unjudged` of none, and where nothing else could be judged. */
export function worstOf(statuses: readonly SkewStatus[]): SkewStatus {
  const judged = statuses.filter((status) => status !== 'unjudged');
  return judged.length === 0 ? 'unjudged' : judged.reduce((worst, status) => (severity[status] > severity[worst] ? status : worst));
}

/** The verdict on one feature. */
export function judgeFeature(tally: FeatureTally, { maxDifferent }: SkewSettings, distribution: ColumnDrift | undefined, againstReference: ColumnDrift | undefined): FeatureSkew {
  const { name, feature, type, rows, compared, mismatch, missing, extra, causes, different, examples } = tally;
  const allowed = maxDifferent * rows;
  const late = causes.late ?? 0;
  const status = rows === 0 ? 'unjudged' : different <= allowed ? 'equal' : different - late <= allowed ? 'late' : 'skewed';
  const distances = tally.distances();
  const apart = distances && distances.absolute.max > 0 ? `; at most ${plain(distances.absolute.max)} apart` : '';
  const why = Object.entries(causes).sort(([, a], [, b]) => b - a).map(([cause, count]) => `${count} ${causeTexts[cause as SkewCause]}`).join(', ');
  const reason = rows === 0 ? 'nothing was served' : different === 0 ? `all ${counted(rows, 'row')} are equal` : `${different} of ${counted(rows, 'row')} differ: ${why}${apart}`;
  return { name, feature, type, status, reason, rows, compared, mismatch, missing, extra, causes: { ...causes }, ...distances, examples, ...(distribution && { distribution }), ...(againstReference && { againstReference }) };
}

/** The verdict on a query, in words. */
export function summariseSkew(report: Omit<SkewReport, 'summary'>, given: boolean): string {
  const { features, rows, versions, reference } = report;
  if (rows === 0) return given ? 'There are no rows to compare.' : 'Nothing was logged of this query; is the servingLog on, and was it flushed?';
  const skewed = byDifference(features, 'skewed');
  const late = byDifference(features, 'late');
  const parts: string[] = [];
  if (skewed.length > 0) parts.push(`${skewed.length} of ${counted(features.length, 'feature')} skewed in ${counted(rows, 'row')}: ${told(skewed)}.`);
  if (late.length > 0) parts.push(`${late.length} of ${counted(features.length, 'feature')} differ only by rows that were ingested after serving: ${told(late)}.`);
  if (parts.length === 0) parts.push(`All ${counted(features.length, 'feature')} agree in ${counted(rows, 'row')}.`);
  for (const { name, served, replayed, rows: answered } of versions) {
    parts.push(served === undefined ? `${name}@${replayed} took no part in ${counted(answered, 'row')}.` : `${counted(answered, 'row')} served by ${name}@${served}, which is ${replayed === undefined ? 'not asked any more' : `${replayed} now`}.`);
  }
  if (reference?.drifted) parts.push(`Against the reference: ${reference.summary}`);
  return parts.join(' ');
}

function byDifference(features: readonly FeatureSkew[], status: SkewStatus): FeatureSkew[] {
  const different = ({ mismatch, missing, extra }: FeatureSkew): number => mismatch + missing + extra;
  return features.filter((feature) => feature.status === status).sort((a, b) => different(b) - different(a));
}

function told(features: readonly FeatureSkew[]): string {
  const shown = features.slice(0, 5).map(({ name, reason }) => `${name} (${reason})`);
  return `${shown.join(', ')}${features.length > 5 ? ` and ${features.length - 5} more` : ''}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function plain(value: number): string {
  return String(Number(value.toPrecision(4)));
}
