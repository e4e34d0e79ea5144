import { canonicalJson } from '../../core/codec.ts';
import type { ColumnType } from '../../core/column.ts';
import type { FeatureDefinition, FeatureView } from './feature-view.ts';

/** What a reader of the old definition would miss or find changed under the new one. New features break nothing, and neither does what is only told of them. */
export function breakingChanges(before: FeatureView, after: FeatureView): string[] {
  const changes: string[] = [];
  const compare = (what: string, from: unknown, to: unknown): void => {
    const [old, now] = [show(from), show(to)];
    if (old !== now) changes.push(`${what} was ${old} and would be ${now}`);
  };
  compare('entity', before.entity, after.entity);
  if (before.keyTypes && after.keyTypes) compare('keyTypes', before.keyTypes, after.keyTypes);
  compare('timestamp', before.timestamp, after.timestamp);
  compare('createdTimestamp', before.createdTimestamp, after.createdTimestamp);
  compare('rowId', before.rowId, after.rowId);
  compare('ttl', before.ttl, after.ttl);
  const features = after.features as Readonly<Record<string, FeatureDefinition | undefined>>;
  for (const [name, definition] of Object.entries(before.features)) {
    if (!Object.hasOwn(features, name)) {
      changes.push(`feature '${name}' would be gone`);
      continue;
    }
    compare(`feature '${name}'`, definition, features[name]);
    compare(`the default of feature '${name}'`, before.defaults?.[name], after.defaults?.[name]);
  }
  return changes;
}

function show(value: unknown): string {
  return value === undefined ? 'absent' : canonicalJson(value);
}

/** Columns that held values of another type before. */
export function conflictingColumns(before: Readonly<Record<string, ColumnType>>, after: Readonly<Record<string, ColumnType>>): string[] {
  return Object.entries(after).flatMap(([name, type]) =>
    Object.hasOwn(before, name) && before[name] !== type ? [`column '${name}' holds ${before[name]} and would hold ${type}`] : [],
  );
}

/** Whether rows that were ingested under one definition can be read under another, as far as keys and times go. */
export function haveSameRows(before: FeatureView, after: FeatureView): boolean {
  const shape = (view: FeatureView): string => canonicalJson([view.entity, view.timestamp, view.createdTimestamp ?? null, view.rowId ?? null]);
  return shape(before) === shape(after);
}
