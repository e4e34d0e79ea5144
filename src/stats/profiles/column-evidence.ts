import type { Sample } from '../samples/sorted-sample.ts';
import { ksTest, ksTestBinned } from '../tests/ks-test.ts';
import { coarseCounts, coarseLabels, combined, contingency, countOf, effectOf, presenceLabels, presenceOf } from './bin-evidence.ts';
import { valueRows, type CategoryProfile, type ColumnProfile, type NumberProfile, type RowCounts } from './column-profile.ts';
import type { ColumnSide } from './data-profile.ts';
import { nothing, type ColumnEvidence, type DriftTest, type Finding } from './drift-evidence.ts';
import { weighEmbeddings } from './embedding/weigh-embeddings.ts';
import { weighTexts } from './text/weigh-texts.ts';
import { sortedValues } from './value-sample.ts';
import { weighTimestamps } from './timestamp/weigh-timestamps.ts';
import { presenceIn, weighViews } from './weigh-views.ts';

/** Fewer blocks than this on a side say too little of how blocks differ. */
const fewestBlocks = 10;

/** Compares one column with its reference, whatever is in it; what cannot be compared says why. */
export function weighColumn(reference: ColumnSide, current: ColumnSide | undefined, minRows: number, blockTest?: () => DriftTest): ColumnEvidence {
  if (current === undefined) return { ...nothing, unjudged: 'the current data has no such column' };
  const before = reference.profile;
  const after = current.profile;
  if (before.rows < minRows) return { ...nothing, unjudged: `the reference has ${countOf(before.rows, 'row')}, at least ${minRows} are needed` };
  if (after.rows < minRows) return { ...nothing, unjudged: `there are ${countOf(after.rows, 'current row')}, at least ${minRows} are needed` };
  if (blockTest !== undefined) {
    if (before.kind === 'timestamp') return { ...nothing, unjudged: 'points in time are not compared by blocks; compare features made from them' };
    return weighBlocks(reference, current, minRows, blockTest());
  }
  return weighRows(reference, current, minRows, 1);
}

/** By blocks of rows: their test in the place of those that take every row for independent, and an interval as wide as blocks make it. */
function weighBlocks(reference: ColumnSide, current: ColumnSide, minRows: number, test: DriftTest): ColumnEvidence {
  const { reference: before, current: after, designEffect } = test.blocks!;
  if (before < fewestBlocks) return { ...nothing, unjudged: `the reference has ${countOf(before, 'block')}, at least ${fewestBlocks} are needed` };
  if (after < fewestBlocks) return { ...nothing, unjudged: `there are ${countOf(after, 'current block')}, at least ${fewestBlocks} are needed` };
  const found = weighRows(reference, current, minRows, Math.max(1, designEffect));
  return found.effect === undefined ? found : { ...found, tests: [test], pValue: test.pValue };
}

function weighRows(reference: ColumnSide, current: ColumnSide, minRows: number, designEffect: number): ColumnEvidence {
  const before = reference.profile;
  const after = current.profile;
  if (before.kind === 'number' && after.kind === 'number') return weighNumbers({ ...reference, profile: before }, { ...current, profile: after }, minRows, designEffect);
  if (before.kind === 'text' && after.kind === 'text') return weighTexts(before, after, minRows, designEffect);
  if (before.kind === 'embedding' && after.kind === 'embedding') return weighEmbeddings(before, after, minRows, designEffect);
  if (before.kind === 'category' && after.kind === 'category') return weighCategories(before, after, designEffect);
  if (before.kind === 'timestamp' && after.kind === 'timestamp') return weighTimestamps(before, after, minRows);
  return { ...nothing, unjudged: 'the two sides are of different kinds' };
}

interface NumberSide {
  readonly profile: NumberProfile;
  readonly numbers?: Sample | undefined;
}

function weighNumbers(reference: NumberSide, current: NumberSide, minRows: number, designEffect: number): ColumnEvidence {
  const before = reference.profile;
  const after = current.profile;
  const presence = presenceIn(before, after, presenceLabels);
  return weighViews(before, after, { minRows, designEffect, noun: 'number', presence }, () => {
    const counts = [before, after].map((side) => binCounts(side, coarseCounts(before, side.counts))) as [number[], number[]];
    return [{ of: 'values', test: ks(reference, current), counts, labels: ['minus infinity', ...coarseLabels(before.cuts), 'infinity'], binRule: 'reference-deciles' }];
  });
}

function ks(reference: NumberSide, current: NumberSide): Finding {
  const rows = { referenceRows: valueRows(reference.profile), currentRows: valueRows(current.profile) };
  const numbers = [reference.numbers ?? sortedValues(reference.profile), current.numbers ?? sortedValues(current.profile)] as const;
  if (numbers[0] === undefined || numbers[1] === undefined) {
    const { statistic, pValue } = ksTestBinned(binCounts(reference.profile, reference.profile.counts), binCounts(current.profile, current.profile.counts));
    return { method: 'ks-binned', statistic, pValue, ...rows };
  }
  const { statistic, pValue, method } = ksTest(numbers[0], numbers[1]);
  return { method: `ks-${method}`, statistic, pValue, ...rows };
}

function weighCategories(before: CategoryProfile, after: CategoryProfile, designEffect: number): ColumnEvidence {
  const crowded = before.tooMany || after.tooMany;
  if (crowded) return { ...nothing, unjudged: `it has more than ${before.maxCategories} different values, like identifiers or free text` };
  const inBefore = new Map(before.categories);
  const inAfter = new Map(after.categories);
  const names = [...new Set([...inBefore.keys(), ...inAfter.keys()])];
  const counts = [inBefore, inAfter].map((side) => names.map((name) => side.get(name) ?? 0)) as [number[], number[]];
  counts[0].push(presenceOf(before)[1]);
  counts[1].push(presenceOf(after)[1]);
  if (valueRows(before) === 0 && valueRows(after) === 0) return { ...nothing, unjudged: 'it has no value on either side' };
  const tests: DriftTest[] = [{ of: 'values', ...contingency(counts) }];
  const labels = [...names, presenceLabels[0]];
  const evidence = { ...nothing, tests, pValue: combined(tests), ...effectOf(counts[0], counts[1], labels, 'categories', designEffect) };
  const unseen = after.categories.filter(([name]) => !inBefore.has(name));
  if (unseen.length === 0) return evidence;
  const rows = unseen.reduce((sum, [, count]) => sum + count, 0);
  return { ...evidence, unseen: { rows, categories: unseen.length, examples: unseen.slice(0, 10).map(([name]) => name) } };
}

/** Counts of finite numbers per bin with those of the infinite ones at either end. */
function binCounts(side: NumberProfile, finite: readonly number[]): number[] {
  return [side.negativeInfinite, ...finite, side.infinite - side.negativeInfinite];
}

/** The rows of a side as a verdict tells them. */
export function rowCountsOf({ rows, missing, nan, infinite, mistyped }: ColumnProfile): RowCounts {
  return { rows, missing, nan, infinite, mistyped };
}
