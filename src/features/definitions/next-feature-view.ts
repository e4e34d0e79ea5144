import { canonicalJson } from '../../core/codec.ts';
import { digestOf } from '../../core/digest.ts';
import { ConflictError, NotFoundError, ValidationError } from '../../core/errors.ts';
import type { RecordRef } from '../../core/record-ref.ts';
import type { Applied, Lookup } from './apply-definitions.ts';
import { breakingChanges, conflictingColumns, haveSameRows } from './breaking-changes.ts';
import { entityKey, isOnDemand, type EntityState, type FeatureViewState, type ViewState } from './definition-states.ts';
import { viewColumns, type FeatureView } from './feature-view.ts';

/** What a feature view makes of what is stored under its name. */
export async function nextFeatureView(view: FeatureView, lookup: Lookup): Promise<(state: ViewState | undefined, now: number) => Applied<FeatureViewState>> {
  const digest = digestOf(canonicalJson(view));
  const columns = viewColumns(view);
  const uses = await entityOf(view, lookup);
  return (state, now) => {
    if (state !== undefined && isOnDemand(state)) {
      throw new ConflictError(`'${view.name}' is an on-demand view already, so no feature view can have that name; give it another.`, { key: view.name });
    }
    const last = state?.versions.at(-1);
    if (last?.digest === digest) return { version: last.version, digest, change: 'unchanged', differences: [], uses };
    const earlier = state?.versions.findLast((each) => each.digest === digest);
    // A program of yesterday may start again today: what it defines is there, under a version that has since only been added to.
    if (last !== undefined && earlier !== undefined && breakingChanges(earlier.view, last.view).length === 0) {
      return { version: earlier.version, digest, change: 'unchanged', differences: [], uses };
    }
    const breaks = last ? breakingChanges(last.view, view) : [];
    const conflicts = state ? conflictingColumns(state.columns, columns) : [];
    const differences = [...breaks, ...conflicts];
    const readable = last === undefined || (conflicts.length === 0 && haveSameRows(last.view, view));
    const epoch = (state?.epoch ?? 1) + (readable ? 0 : 1);
    const version = (last?.version ?? 0) + 1;
    const versions = (state?.versions ?? []).map((each) => ({ ...each, epoch: each.epoch ?? state!.epoch }));
    return {
      state: { epoch, columns: readable ? { ...state?.columns, ...columns } : columns, versions: [...versions, { version, digest, view, at: now, epoch }] },
      version,
      digest,
      change: last === undefined ? 'created' : differences.length > 0 ? 'forced' : 'extended',
      differences,
      uses,
    };
  };
}

/** The entity that a view is of, where it names one. Throws when it is not there, or has another key. */
async function entityOf(view: FeatureView, lookup: Lookup): Promise<RecordRef[]> {
  if (view.entityName === undefined) return [];
  const last = (await lookup<EntityState>(entityKey(view.entityName)))?.versions.at(-1);
  if (last === undefined) {
    throw new NotFoundError(`The feature view '${view.name}' is of the entity '${view.entityName}', which is not defined; apply both together.`, { key: view.entityName });
  }
  const [own, known] = [canonicalJson(view.keyTypes), canonicalJson(last.definition.keys)];
  if (own !== known) {
    throw new ValidationError(`The feature view '${view.name}' has the key ${own}, and the entity '${view.entityName}' that it is of has ${known}; define the view with the entity as it is.`, { path: `${view.name}.entity` });
  }
  return [{ kind: 'entity', id: view.entityName, version: last.version, digest: last.digest }];
}
