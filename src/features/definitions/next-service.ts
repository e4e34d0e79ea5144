import { canonicalJson } from '../../core/codec.ts';
import { digestOf, type Digest } from '../../core/digest.ts';
import { NotFoundError } from '../../core/errors.ts';
import type { RecordRef } from '../../core/record-ref.ts';
import type { Applied, Lookup } from './apply-definitions.ts';
import { isOnDemand, versionIn, versionOf, viewKey, type ServiceMember, type ServiceState, type ServiceVersion, type ViewState } from './definition-states.ts';
import { expandFeatures } from './expand-features.ts';
import { parseRef } from './feature-ref.ts';
import type { FeatureService } from './feature-service.ts';

/** What a service makes of what is stored under its name, bound to its views as they are. A feature that is gone or another breaks the models that take it. */
export async function nextService(service: FeatureService, lookup: Lookup): Promise<(state: ServiceState | undefined, now: number) => Applied<ServiceState>> {
  const bound = await bind(service, lookup);
  const digest = digestOf(canonicalJson({ service, members: bound.members, pins: bound.pins }));
  return (state, now) => {
    const last = state?.versions.at(-1);
    if (last?.digest === digest) return { version: last.version, digest, change: 'unchanged', differences: [], uses: bound.uses };
    const differences = last === undefined ? [] : changedOutputs(last.outputs, bound.outputs);
    const version = (last?.version ?? 0) + 1;
    const next: ServiceVersion = { version, digest, at: now, definition: service, members: bound.members, pins: bound.pins, outputs: bound.outputs };
    return {
      state: { versions: [...(state?.versions ?? []), next] },
      version,
      digest,
      change: last === undefined ? 'created' : differences.length > 0 ? 'forced' : 'extended',
      differences,
      uses: bound.uses,
    };
  };
}

function changedOutputs(before: Readonly<Record<string, Digest>>, after: Readonly<Record<string, Digest>>): string[] {
  return Object.entries(before).flatMap(([name, digest]) => {
    if (!Object.hasOwn(after, name)) return [`feature '${name}' would be gone`];
    return after[name] === digest ? [] : [`feature '${name}' would be another, since its view was changed`];
  });
}

interface Bound {
  readonly members: readonly ServiceMember[];
  readonly pins: Readonly<Record<string, number | string>>;
  readonly outputs: Readonly<Record<string, Digest>>;
  readonly uses: readonly RecordRef[];
}

/** A service with the versions that its views have now. Throws `NotFoundError`, naming both sides, for a view or feature that is not there. */
async function bind(service: FeatureService, lookup: Lookup): Promise<Bound> {
  const members: ServiceMember[] = [];
  const pins: Record<string, number | string> = {};
  const outputs: Record<string, Digest> = {};
  const uses = new Map<string, RecordRef>();
  const stateOf = async (name: string): Promise<ViewState> => {
    const state = await lookup<ViewState>(viewKey(name));
    if (state !== undefined) return state;
    throw new NotFoundError(`The feature service '${service.name}' is made of the view '${name}', which is not defined; apply both together.`, { key: name });
  };
  /** What a feature of a view is, through all that goes into it. */
  const meaning = async (state: ViewState, name: string, version: number | string | undefined, feature: string): Promise<unknown> => {
    const what = `view '${name}'`;
    if (isOnDemand(state)) {
      const { definition, digest, version: own } = versionOf(what, state.versions, version);
      uses.set(`${name}@${own}`, { kind: 'feature-view', id: name, version: own, digest });
      const inputs: unknown[] = [];
      for (const input of Object.values(definition.inputs)) {
        const source = await stateOf(input.view);
        pins[input.view] ??= source.versions.at(-1)!.version;
        inputs.push(await meaning(source, input.view, pins[input.view], input.feature));
      }
      return [digest, feature, inputs];
    }
    const { view, digest, version: own } = versionOf(what, state.versions, version);
    uses.set(`${name}@${own}`, { kind: 'feature-view', id: name, version: own, digest });
    return [view.entity, view.timestamp, view.createdTimestamp ?? null, view.ttl ?? null, view.features[feature], view.defaults?.[feature] ?? null, ...(view.rowId ? [view.rowId] : [])];
  };
  for (const [i, ref] of service.features.entries()) {
    const { view: name, version, features, as, keys } = parseRef(ref, `featureService(${service.name}).features[${i}]`);
    const state = await stateOf(name);
    const own = versionIn(name, state, version);
    const named = expandFeatures(state, name, own, features);
    members.push({ view: name, version: own, features: named, as, keys: Object.keys(keys).length > 0 ? keys : undefined });
    for (const feature of named) outputs[`${as ?? name}__${feature}`] = digestOf(canonicalJson([await meaning(state, name, own, feature), keys]));
  }
  return { members, pins, outputs, uses: [...uses.values()] };
}
