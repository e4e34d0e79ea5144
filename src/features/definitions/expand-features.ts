import { NotFoundError } from '../../core/errors.ts';
import { isOnDemand, versionOf, type ViewState } from './definition-states.ts';

/** The features of a view that are asked for by name, `*` being all of them. Throws `NotFoundError` for one that it lacks at that version. */
export function expandFeatures(state: ViewState, view: string, version: number | string | undefined, asked: readonly string[]): string[] {
  const what = `view '${view}'`;
  const features = isOnDemand(state) ? versionOf(what, state.versions, version).definition.features : versionOf(what, state.versions, version).view.features;
  const known = Object.keys(features);
  return asked.flatMap((name) => {
    if (name === '*') return known;
    if (Object.hasOwn(features, name)) return [name];
    throw new NotFoundError(`The feature view '${view}' has no feature '${name}'${version === undefined ? '' : ` at version ${version}`}; it has ${known.join(', ')}.`, { key: `${view}:${name}` });
  });
}
