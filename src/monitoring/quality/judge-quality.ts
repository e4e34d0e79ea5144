import { shown } from '../../core/shown.ts';
import { categoryOf } from '../../stats/profiles/read-column.ts';
import { valueRows, type ColumnProfile, type RowCounts } from '../../stats/profiles/column-profile.ts';
import type { DataProfile } from '../../stats/profiles/data-profile.ts';
import { sumOf } from '../../stats/profiles/grid-counts.ts';
import type { JudgedWindow } from '../judging/judge-window.ts';
import type { WindowJudge } from '../judging/judgement.ts';
import type { ColumnQualityOptions, NumberRange, QualitySettings } from './quality-options.ts';
import type { QualityCheck, QualityReport, UnknownColumn } from './quality-report.ts';
import { qualityKeys, rangeKeys } from './quality-tally.ts';
import { judgeShare, type ShareQuestion, type ShareRules } from './judge-share.ts';
import { grownPValue, manyUnseenPValue, outOfRangePValue, unseenPValue, type CategoryRows, type Part } from './share-tests.ts';

const namesTold = 10;
const reasonsTold = 3;
const examplesTold = 3;

/** Makes what judges the quality of the data. */
export function qualityJudge(reference: DataProfile, settings: QualitySettings): WindowJudge<QualityReport> {
  const rules: ShareRules = { ...settings, level: settings.alpha / Math.max(1, sharesHeld(reference, settings)) };
  return {
    judge: ({ counts }) => judgeQuality(counts, reference, settings, rules),
    findings({ status, checks, unknown }) {
      const violated = checks.filter((each) => each.status === 'violated');
      const columns = violated.flatMap(({ column }) => (column === undefined ? unknown.map(({ name }) => name) : [column]));
      const more = violated.length > reasonsTold ? `; and ${violated.length - reasonsTold} more` : '';
      const what = `the quality of the data is out of its bounds: ${violated.slice(0, reasonsTold).map(({ reason }) => reason).join('; ')}${more}`;
      return [{ kind: 'quality', judged: status !== 'insufficient', found: violated.length > 0, columns: [...new Set(columns)], what }];
    },
  };
}

/** Over how many shares `alpha` is divided: all that could be called violated, whatever comes. */
function sharesHeld({ columns }: DataProfile, settings: QualitySettings): number {
  const each = columns.filter(({ name }) => settings.columns.get(name) !== false);
  return 1 + settings.ranges.length + each.reduce((sum, profile) => sum + (profile.kind !== 'category' ? 3 : profile.tooMany ? 2 : 3), 0);
}

function judgeQuality(counts: JudgedWindow['counts'], reference: DataProfile, settings: QualitySettings, rules: ShareRules): QualityReport {
  const sums = new Map(counts?.sums['quality']);
  const ranges = new Map(settings.ranges.map((range) => [range.column, range]));
  const checks = reference.columns.flatMap((profile, i): QualityCheck[] => {
    const bounds = settings.columns.get(profile.name) ?? {};
    const current = counts?.columns[i];
    if (bounds === false || counts === undefined || current === undefined) return [];
    const sides: Sides = { name: profile.name, before: profile, now: current, sent: counts.sent[i]!, bounds };
    const range = ranges.get(i);
    return [missing(sides), notFinite(sides), ...mistyped(sides), ...(range === undefined ? [] : outOfRange(sides, range, sums)), ...unseen(sides)].map((question) => judgeShare(question, rules));
  });
  const unknown = unknownColumns(sums);
  if (counts !== undefined) checks.push(judgeShare(unknownShare(sums, unknown, reference, settings), rules));
  const judged = checks.filter(({ status }) => status !== 'insufficient');
  return {
    status: judged.some(({ status }) => status === 'violated') ? 'violated' : judged.length > 0 ? 'held' : 'insufficient',
    rows: counts?.rows ?? 0,
    judged: judged.length,
    checks: checks.filter(({ rows }) => rows > 0),
    absent: counts === undefined || counts.rows === 0 ? [] : reference.columns.filter(({ name }, i) => settings.columns.get(name) !== false && !counts.sent[i]).map(({ name }) => name),
    unknown,
  };
}

/** A column of the reference and of a window. */
interface Sides {
  readonly name: string;
  readonly before: ColumnProfile;
  readonly now: ColumnProfile;
  /** Whether any row had the column at all. */
  readonly sent: boolean;
  readonly bounds: ColumnQualityOptions;
}

/** A share of rows that both sides count. */
function counted({ name: column, before, now }: Sides, part: (counts: RowCounts) => Part): Pick<ShareQuestion, 'column' | 'current' | 'reference' | 'pValue'> {
  const [current, reference] = [part(now), part(before)];
  return { column, current, reference, pValue: () => grownPValue(current, reference) };
}

function missing(sides: Sides): ShareQuestion {
  const part = ({ rows, missing: none, nan }: RowCounts): Part => ({ rows: none + nan, of: rows });
  return { name: 'missing', max: sides.bounds.maxMissing, what: () => (sides.sent ? 'of the rows have no value' : 'of the rows have no value, for nobody sends the column'), ...counted(sides, part) };
}

function notFinite(sides: Sides): ShareQuestion {
  const part = ({ rows, missing: none, nan, infinite }: RowCounts): Part => ({ rows: nan + infinite, of: rows - none });
  return { name: 'notFinite', max: sides.bounds.maxNotFinite, what: () => 'of the values are NaN or infinite', ...counted(sides, part) };
}

function mistyped(sides: Sides): ShareQuestion[] {
  const { kind } = sides.before;
  // Everything is a category.
  if (kind === 'category') return [];
  const part = ({ rows, missing: none, nan, mistyped: wrong }: RowCounts): Part => ({ rows: wrong, of: rows - none - nan });
  return [{ name: 'mistyped', max: sides.bounds.maxMistyped, what: () => `of the values are not of the kind ${kind}`, ...counted(sides, part) }];
}

function outOfRange({ name: column, before, bounds }: Sides, range: NumberRange, sums: ReadonlyMap<string, number>): ShareQuestion[] {
  if (before.kind !== 'number') return [];
  const { min, max, observed } = range;
  const keys = rangeKeys(range);
  const [of, below, above] = [keys.of, keys.below, keys.above].map((key) => sums.get(key) ?? 0) as [number, number, number];
  const current = { rows: below + above, of };
  const numbers = sumOf(before.counts);
  const within = min === -Infinity ? `above ${max}` : max === Infinity ? `below ${min}` : `out of ${min} to ${max}, ${below} of them below`;
  const pValue = (): number => outOfRangePValue(current, numbers);
  return [{ name: 'range', column, current, reference: { rows: 0, of: numbers }, max: bounds.maxOutOfRange ?? (observed ? undefined : 0), pValue, what: () => `of the numbers are ${within}` }];
}

function unseen({ name: column, before, now, bounds }: Sides): ShareQuestion[] {
  if (before.kind !== 'category' || now.kind !== 'category' || before.tooMany) return [];
  const known: CategoryRows = bounds.in === undefined ? before.categories : bounds.in.map((value) => [categoryOf(value), 0]);
  const max = bounds.maxUnseen ?? (bounds.in === undefined ? undefined : 0);
  const reference = { rows: 0, of: valueRows(before) };
  const of = valueRows(now);
  if (now.tooMany) {
    const least = now.maxCategories + 1 - known.length;
    const pValue = (): number => manyUnseenPValue(least, known.length, of, reference.of);
    return [{ name: 'unseen', column, current: { rows: Math.max(0, least), of }, atLeast: true, reference, max, pValue, what: () => `of the values are of categories that are not known, of which there are more than ${now.maxCategories} now` }];
  }
  const names = new Set(known.map(([category]) => category));
  const others = now.categories.filter(([category]) => !names.has(category));
  const current = { rows: sumOf(others.map(([, rows]) => rows)), of };
  return [{ name: 'unseen', column, current, reference, max, pValue: () => unseenPValue(now.categories, before.categories), what: () => `of the values are of categories that are not known${suchAs(others.map(([category]) => category))}` }];
}

function unknownShare(sums: ReadonlyMap<string, number>, unknown: readonly UnknownColumn[], reference: DataProfile, { maxUnknown: max }: QualitySettings): ShareQuestion {
  const current = { rows: sums.get(qualityKeys.unknown) ?? 0, of: sums.get(qualityKeys.rows) ?? 0 };
  const before = { rows: 0, of: reference.rows };
  return { name: 'unknown', current, reference: before, max, pValue: () => grownPValue(current, before), what: () => `of the rows have columns that the reference does not have${suchAs(unknown.map(({ name }) => name))}` };
}

/** The names that came most often. */
function unknownColumns(sums: ReadonlyMap<string, number>): UnknownColumn[] {
  const { named } = qualityKeys;
  const all = [...sums].filter(([key]) => key.startsWith(named)).map(([key, rows]) => ({ name: key.slice(named.length), rows }));
  return all.sort((a, b) => b.rows - a.rows || (a.name < b.name ? -1 : 1)).slice(0, namesTold);
}

function suchAs(names: readonly string[]): string {
  return names.length === 0 ? '' : `, such as ${names.slice(0, examplesTold).map((name) => shown(name, 40)).join(', ')}`;
}
