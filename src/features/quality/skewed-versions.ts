import type { ServedGroup } from './served-groups.ts';
import type { ServedShape } from './served-shape.ts';
import type { SkewedVersion } from './skew-report.ts';

type Versions = ReadonlyMap<string, Omit<SkewedVersion, 'served' | 'replayed' | 'rows'> & { readonly version: number | string }>;

/** The definitions that answered at other versions than are replayed, with how many rows each answered. */
export function skewedVersions(groups: readonly ServedGroup[], now: ServedShape): SkewedVersion[] {
  const replayed = versionsOf(now);
  const found = new Map<string, SkewedVersion>();
  for (const { shape, moments } of groups) {
    if (shape === undefined) continue;
    const served = versionsOf(shape);
    for (const id of new Set([...served.keys(), ...replayed.keys()])) {
      const [then, present] = [served.get(id), replayed.get(id)];
      if (then?.version === present?.version) continue;
      const { kind, name } = (then ?? present)!;
      const key = `${id} ${String(then?.version)}`;
      found.set(key, { kind, name, served: then?.version, replayed: present?.version, rows: (found.get(key)?.rows ?? 0) + moments.length });
    }
  }
  return [...found.values()];
}

function versionsOf({ service, views, onDemand }: ServedShape): Versions {
  const all = [
    ...(service ? [{ kind: 'feature-service' as const, ...service }] : []),
    ...views.map(({ name, version }) => ({ kind: 'feature-view' as const, name, version })),
    ...onDemand.map(({ name, version }) => ({ kind: 'on-demand-view' as const, name, version })),
  ];
  return new Map(all.map((each) => [`${each.kind} ${each.name}`, each]));
}
