import { canonicalJson } from '../../core/codec.ts';
import type { ColumnType } from '../../core/column.ts';
import { digestOf } from '../../core/digest.ts';
import { escapeSegment } from '../../core/key.ts';
import { featureRef, parseVersionedName, type FeatureRef } from '../definitions/feature-ref.ts';
import type { FeatureService } from '../definitions/feature-service.ts';
import { featureTypeOf } from '../definitions/feature-view.ts';
import type { FeatureRequest, QueryPlan } from '../definitions/query-plan.ts';

/** A feature view at the version that answered. */
export interface ServedView {
  readonly name: string;
  readonly version: number;
  /** The components of its key. */
  readonly entity: readonly string[];
  /** The columns of the entities that held them. */
  readonly keys: readonly string[];
}

/** A feature that was served, or that only went into one. */
export interface ServedFeature {
  /** What it is, whatever its version: `view:feature`, with the name or keys of a selection. */
  readonly ref: string;
  /** What it is called in the answer; absent when it only went into an on-demand view. */
  readonly column?: string | undefined;
  readonly type: ColumnType;
  /** The view that it is of, counted through the feature views and then the on-demand views. */
  readonly group: number;
}

/** What all answers to one query have in common while its definitions stay as they are; plain data. */
export interface ServedShape {
  readonly service?: { readonly name: string; readonly version: number } | undefined;
  readonly views: readonly ServedView[];
  readonly onDemand: readonly { readonly name: string; readonly version: string }[];
  /** The columns of the entities that decide the answer, with their types where they are declared. */
  readonly entities: readonly { readonly column: string; readonly type?: ColumnType | undefined }[];
  readonly features: readonly ServedFeature[];
}

/** A shape with what finds its parts in a plan. */
export interface PlannedShape {
  readonly shape: ServedShape;
  /** For each feature, under what the plan's answer has its values. */
  readonly ids: readonly string[];
  /** The columns by which entities are told apart. */
  readonly keys: readonly string[];
}

/** What a plan's answers look like. */
export function shapeOf(plan: QueryPlan): PlannedShape {
  const known = new Map<string, ServedFeature>();
  plan.views.forEach(({ current: { view }, keys, features: each }, group) => {
    const by = keys.every((key, k) => key === view.entity[k]) ? '' : ` by ${keys.join(', ')}`;
    for (const { feature, id } of each) known.set(id, { ref: `${view.name}:${feature}${by}`, type: featureTypeOf(view, feature), group });
  });
  plan.computations.forEach(({ view, features: each }, c) => {
    for (const { feature, id } of each) known.set(id, { ref: `${view.name}:${feature}`, type: view.features[feature]!, group: plan.views.length + c });
  });
  const asked = new Set(plan.columns.map(({ id }) => id));
  const inputs = [...known.keys()].filter((id) => !asked.has(id));
  const ids = [...plan.columns.map(({ id }) => id), ...inputs];
  const features = [...plan.columns.map(({ column, id, ref }) => ({ ...known.get(id)!, column, ref })), ...inputs.map((id) => known.get(id)!)];
  const keys = [...new Set(plan.views.flatMap((view) => view.keys))];
  const shape: ServedShape = {
    service: plan.service && { name: plan.service.service, version: plan.service.version },
    views: plan.views.map(({ current, keys: columns }) => ({ name: current.view.name, version: current.version, entity: current.view.entity, keys: columns })),
    onDemand: plan.computations.map(({ view }) => ({ name: view.name, version: view.version })),
    entities: entityColumns(plan),
    features,
  };
  return { shape, ids, keys: keys.length > 0 ? keys : shape.entities.map(({ column }) => column) };
}

/** The columns that decide an answer. One that is declared twice, of two types, counts as declared by none. */
function entityColumns(plan: QueryPlan): ServedShape['entities'] {
  const types = new Map<string, Set<ColumnType>>();
  const declare = (column: string, type: ColumnType | undefined): void => {
    const known = types.get(column) ?? new Set();
    types.set(column, type === undefined ? known : known.add(type));
  };
  for (const { current, keys } of plan.views) keys.forEach((column, k) => declare(column, current.view.keyTypes?.[current.view.entity[k]!]));
  for (const { request } of plan.computations) for (const { column, type } of request) declare(column, type);
  return [...types].map(([column, found]) => ({ column, type: found.size === 1 ? [...found][0] : undefined }));
}

/** What names a query in keys, whatever the versions of its definitions: the service, or a digest of the references in any order. */
export function requestSegment(request: FeatureRequest): string {
  if (!Array.isArray(request)) {
    const name = typeof request === 'string' ? request : (request as FeatureService | null)?.name;
    return escapeSegment(parseVersionedName(name ?? '', 'features').name);
  }
  const refs = (request as readonly FeatureRef[]).map((ref, i) => canonicalJson(featureRef(ref, `features[${i}]`))).sort();
  // No service has a dash in its name.
  return `refs-${digestOf(refs.join('\n')).slice('sha256:'.length, 'sha256:'.length + 32)}`;
}
