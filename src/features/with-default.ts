import { concatColumns, isPresent, takeRows, toColumn, type Column } from '../core/column.ts';
import { featureTypeOf, type FeatureView } from './definitions/feature-view.ts';

/** What stands where a feature has no value, as a column of one row; absent when it has no default. */
export function defaultOf(view: FeatureView, feature: string): Column | undefined {
  if (view.defaults === undefined || !Object.hasOwn(view.defaults, feature)) return undefined;
  return toColumn([view.defaults[feature]], featureTypeOf(view, feature), feature);
}

/** A feature's values with its default where there are none; as they are when it has no default. */
export function withDefault(view: FeatureView, feature: string, column: Column): Column {
  const standIn = column.valid === undefined ? undefined : defaultOf(view, feature);
  if (standIn === undefined) return column;
  const size = column.values.length;
  const both = concatColumns([column, standIn]);
  return takeRows(both, Int32Array.from({ length: size }, (_, i) => (isPresent(column, i) ? i : size)));
}
