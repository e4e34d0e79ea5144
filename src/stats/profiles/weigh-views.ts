import { ksTestBinned } from '../tests/ks-test.ts';
import { coarseCounts, coarseLabels, combined, contingency, countOf, effectOf, presenceOf } from './bin-evidence.ts';
import { valueRows, type RowCounts } from './column-profile.ts';
import { nothing, type ColumnEvidence, type DriftTest, type Finding, type View } from './drift-evidence.ts';
import { sumOf, type GridCounts } from './grid-counts.ts';

/** Rows of both sides by whether they hold a value, those that do first. */
export interface Presence {
  readonly counts: readonly [reference: readonly number[], current: readonly number[]];
  /** What the others are called. */
  readonly labels: readonly string[];
}

/** What decides besides the views of a column. */
export interface ViewSettings {
  readonly minRows: number;
  readonly designEffect: number;
  /** What a value is called. */
  readonly noun: string;
  readonly presence: Presence;
}

/** How many rows have a value, none, and what is none of the column's kind. */
export function presenceIn(before: RowCounts, after: RowCounts, labels: readonly string[]): Presence {
  return { counts: [presenceOf(before), presenceOf(after)], labels };
}

/**
 * What the views of a column come to: each has a test, beside that of presence, and the effect is that of the view whose interval begins highest, missing rows being a bin of each. Where `viewsOf` gives a reason in the place of views,
 * or a side has too few values, only presence is compared.
 */
export function weighViews(before: RowCounts, after: RowCounts, { minRows, designEffect, noun, presence }: ViewSettings, viewsOf: () => readonly View[] | string): ColumnEvidence {
  const [reference, current] = presence.counts;
  const absent = [reference, current].some(([, ...others]) => others.some((rows) => rows > 0));
  const tests: DriftTest[] = absent ? [{ of: 'presence', ...contingency(presence.counts) }] : [];
  const short = [before, after].find((side) => valueRows(side) < minRows);
  const views = short === undefined ? viewsOf() : `the ${short === before ? 'reference' : 'current'} has a ${noun} in only ${countOf(valueRows(short), 'row')}, at least ${minRows} are needed`;
  if (typeof views === 'string') {
    if (!absent) return { ...nothing, unjudged: views };
    return { ...nothing, tests, pValue: combined(tests), ...effectOf(reference, current, [`any ${noun}`, ...presence.labels], 'presence', designEffect), unjudged: views };
  }
  for (const { of, test } of views) tests.push({ of, ...test });
  const effects = views.map(({ counts, labels, binRule }) => effectOf([...counts[0], ...reference.slice(1)], [...counts[1], ...current.slice(1)], [...labels, ...presence.labels], binRule, designEffect));
  const most = effects.reduce((largest, each) => (each.effect.low > largest.effect.low || (each.effect.low === largest.effect.low && each.effect.value > largest.effect.value) ? each : largest));
  return { ...nothing, tests, pValue: combined(tests), ...most };
}

/** How the numbers of two sides in one grid differ, as `what` such as `length`. */
export function viewOfGrid(of: View['of'], binRule: View['binRule'], what: string, before: GridCounts, after: GridCounts): View {
  const { statistic, pValue } = ksTestBinned(before.counts, after.counts);
  const test: Finding = { method: 'ks-binned', statistic, pValue, referenceRows: sumOf(before.counts), currentRows: sumOf(after.counts) };
  const counts = [before, after].map((side) => coarseCounts(before, side.counts)) as [number[], number[]];
  return { of, test, counts, labels: coarseLabels(before.cuts).map((label) => `${what} ${label}`), binRule };
}
