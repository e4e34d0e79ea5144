import type { FeatureType } from './definitions/feature-type.ts';
import { featureTypeOf } from './definitions/feature-view.ts';
import type { QueryPlan } from './definitions/query-plan.ts';

/** A column of an answer. */
export interface FeatureColumn {
  /** What the column is called. */
  readonly name: string;
  /** The type of its values. */
  readonly type: FeatureType;
}

/** What a query gives, and what it needs. */
export interface FeatureSchema {
  /** The features, in their order. */
  readonly columns: readonly FeatureColumn[];
  /** The columns of the entities by which views find their rows. */
  readonly keys: readonly string[];
  /** What on-demand views take from the request, by column. */
  readonly request: Readonly<Record<string, FeatureType>>;
  /** The views that it reads or computes, those included that only go into others. */
  readonly views: readonly string[];
}

/** What a plan gives and needs. */
export function schemaOf({ views, computations, columns }: QueryPlan): FeatureSchema {
  const types = new Map<string, FeatureType>();
  for (const { current, features } of views) for (const { feature, id } of features) types.set(id, featureTypeOf(current.view, feature));
  for (const { view, features } of computations) for (const { feature, id } of features) types.set(id, view.features[feature]!);
  return {
    columns: columns.map(({ column, id }) => ({ name: column, type: types.get(id)! })),
    keys: [...new Set(views.flatMap(({ keys }) => keys))],
    request: Object.fromEntries(computations.flatMap(({ request }) => request.map(({ column, type }) => [column, type] as const))),
    views: [...new Set([...views.map(({ current }) => current.view.name), ...computations.map(({ view }) => view.name)])],
  };
}
