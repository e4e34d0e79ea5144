import { escapeSegment, type Key } from '../../core/key.ts';
import { serviceKey, viewsPrefix, type ServiceState, type ServiceVersion } from '../../features/definitions/definition-states.ts';
import type { DatasetFacts } from '../../features/datasets/dataset-facts.ts';
import type { FeatureStore } from '../../features/feature-store.ts';
import { decodePart, servedPrefix } from '../../features/quality/served-format.ts';
import type { ServedShape } from '../../features/quality/served-shape.ts';
import type { FeatureServiceRef } from '../../registry/version-facts.ts';
import { readHead } from '../../storage/head-record.ts';
import { listAll } from '../../storage/records.ts';
import type { Assessment } from './assessment.ts';

const dayMs = 86_400_000;
const partsLookedAt = 20;
const mostDatasets = 2_000;

/** Whether the store has any feature view. */
export async function hasViews({ storage, options }: Assessment): Promise<boolean> {
  return (await storage.list({ prefix: viewsPrefix, limit: 1 }, options)).entries.length > 0;
}

/** The version of a service that a model was registered with; `undefined` when there is no such service or version. */
export async function serviceOf({ storage, options }: Assessment, { service, version }: FeatureServiceRef): Promise<ServiceVersion | undefined> {
  const state = await readHead<ServiceState>({ storage, key: serviceKey(service) }, options);
  return version === undefined ? state?.versions.at(-1) : state?.versions.find((each) => String(each.version) === String(version));
}

/** The names of the views that a service takes features of, those included that only go into others. */
export function viewsOf({ members, pins }: ServiceVersion): string[] {
  return [...new Set([...members.map(({ view }) => view), ...Object.keys(pins)])].sort();
}

/** The dataset that was saved from features and has one of these fingerprints; looked for by name first. */
export async function savedDataset(assessment: Assessment, store: FeatureStore, wanted: readonly { readonly name?: string | undefined; readonly digest: string }[]): Promise<DatasetFacts | undefined> {
  const digests = new Set(wanted.map(({ digest }) => digest));
  const isWanted = ({ digest, forgotten }: DatasetFacts): boolean => digests.has(digest) || forgotten.some((before) => digests.has(before.digest));
  const named = wanted.flatMap(({ name = '' }) => (name !== '' && name.length <= 500 && !name.includes('@') ? [name] : []));
  for (const name of [...new Set(named), undefined]) {
    let after: string | undefined;
    let looked = 0;
    do {
      const page: Awaited<ReturnType<FeatureStore['listDatasets']>> = await store.listDatasets({ name, after, ...assessment.options });
      const found = page.items.find(isWanted);
      if (found) return found;
      looked += page.items.length;
      after = looked < mostDatasets ? page.next : undefined;
    } while (after !== undefined);
  }
  return undefined;
}

/** What was served of a service on the last day in the window on which anything was: how the newest parts look. */
export async function servedLast(assessment: Assessment, service: string): Promise<readonly ServedShape[]> {
  const { storage, options, from, now } = assessment;
  const prefix = `${servedPrefix}${escapeSegment(service)}/`;
  const first = await storage.list({ prefix, limit: 1 }, options);
  if (first.entries.length === 0) return [];
  for (let day = now; day > from - dayMs; day -= dayMs) {
    let keys: Key[] = [];
    for await (const { key } of listAll(storage, { prefix: `${prefix}${new Date(day).toISOString().slice(0, 10)}/` }, options)) keys = [...keys.slice(1 - partsLookedAt), key];
    if (keys.length === 0) continue;
    const records = await storage.read(keys, options);
    return records.flatMap((record, i) => (record ? [decodePart(record.bytes, keys[i]!).shape] : []));
  }
  return [];
}
