import type { ColumnType } from '../core/column.ts';
import { columnsOfAggregate, type AggregateDefinition } from './aggregates/aggregate-definition.ts';
import type { AskedView } from './definitions/query-plan.ts';
import { definitionOf, type FeatureDefinition } from './definitions/feature-view.ts';
import { columnsBehind } from './expressions/expression.ts';
import { isCovered, windowsOf, type EncodedRecord, type OnlineLayout } from './online-record.ts';
import { isFoldedFor } from './online-tiles/fold-record.ts';

/** What a record must hold for the features that are asked of a view. */
export interface RecordNeeds {
  /** The columns behind them, with their names in a record and their types. */
  readonly columns: readonly (readonly [name: string, type: ColumnType | undefined, recordName: string])[];
  readonly windows: OnlineLayout['windows'];
  readonly aggregates: readonly (readonly [name: string, definition: AggregateDefinition])[];
}

/** What the features that are asked for need. */
export function needsOf({ current: { view, columns }, features }: AskedView): RecordNeeds {
  const definitions = features.map(({ feature }) => [feature, definitionOf(view, feature)] as const);
  const needed = new Set(definitions.flatMap(([name, definition]) => columnsOf(name, definition)));
  return {
    columns: [...needed].map((name) => [name, columns[name], `f:${name}`]),
    windows: windowsOf(definitions.map(([, definition]) => definition)),
    aggregates: definitions.flatMap(([name, definition]) => (definition.kind === 'aggregate' ? [[name, definition] as const] : [])),
  };
}

/** Why a record cannot answer under the view as it is now: a reason to materialize again, or `undefined`. */
export function shortcoming({ rows, from, windows, folded }: EncodedRecord, needs: RecordNeeds): string | undefined {
  const absent = needs.columns.find((each) => rows.typeOf(each[2]) !== each[1]);
  if (absent !== undefined) return `it was materialized before the view had the column '${absent[0]}'`;
  if (from === null) return undefined;
  const longer = needs.windows.find((wanted) => !isCovered(wanted, windows));
  if (longer) return `it was materialized before the view looked ${longer.window === 'lifetime' ? 'a lifetime' : `${longer.window} ms`} back`;
  if (folded === undefined) return undefined;
  const uncovered = needs.aggregates.find(([, definition]) => !isFoldedFor(definition, folded, from));
  return uncovered && `rows that '${uncovered[0]}' needs were folded before the view had it`;
}

function columnsOf(name: string, feature: FeatureDefinition): string[] {
  if (feature.kind === 'column') return columnsBehind(feature.from ?? name);
  return columnsOfAggregate(feature);
}
