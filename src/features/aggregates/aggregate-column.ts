import type { Column } from '../../core/column.ts';
import { ProbeSweep } from '../probe-sweep.ts';
import type { AggregateDefinition, AggregateFunction } from './aggregate-definition.ts';
import { approximateDistinctCountsOf } from './approximate-distinct.ts';
import { approximateQuantilesOf } from './approximate-quantiles.ts';
import { byCategory, categoryIndex, categoryProbes } from './by-category.ts';
import { distinctCountsOf, frequentValuesOf, quantilesOf } from './counted-values.ts';
import { totalsOf } from './exact-totals.ts';
import { extremesOf } from './extreme-rows.ts';
import { momentsOf } from './moments.ts';
import { pickedListsOf, pickedOf } from './picked-rows.ts';
import { WindowRows } from './window-rows.ts';

type Evaluate = (windows: WindowRows, definition: AggregateDefinition) => Column;

const evaluators: Readonly<Record<AggregateFunction, Evaluate>> = {
  count: totalsOf,
  rate: totalsOf,
  share: totalsOf,
  sum: totalsOf,
  mean: totalsOf,
  ratio: totalsOf,
  min: extremesOf,
  max: extremesOf,
  variance: momentsOf,
  std: momentsOf,
  skew: momentsOf,
  kurtosis: momentsOf,
  first: pickedOf,
  last: pickedOf,
  firstK: pickedListsOf,
  lastK: pickedListsOf,
  topK: frequentValuesOf,
  distinctCount: (windows, definition) => (definition.approximate ? approximateDistinctCountsOf : distinctCountsOf)(windows, definition),
  quantile: (windows, definition) => (definition.approximate ? approximateQuantilesOf : quantilesOf)(windows, definition),
};

/** An aggregate at the probes, in the probes' order. With `knownOnly`, rows created after a probe do not exist for it. */
export function aggregateColumn(sweep: ProbeSweep, definition: AggregateDefinition, knownOnly: boolean): Column {
  const evaluate = evaluators[definition.function];
  if (definition.by === undefined) return evaluate(new WindowRows(sweep, definition, knownOnly), definition);
  const parts = categoryIndex(sweep.index, definition.by);
  const { probes, owners } = categoryProbes(parts, sweep.probes);
  const results = evaluate(new WindowRows(new ProbeSweep(parts.index, probes), definition, knownOnly), definition);
  return byCategory(parts, probes.codes, owners, results, sweep.probes.codes.length);
}
