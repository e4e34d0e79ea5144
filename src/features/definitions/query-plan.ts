import { NotFoundError, ValidationError } from '../../core/errors.ts';
import type { FeatureView } from './feature-view.ts';
import type { CurrentView } from './definition-catalog.ts';

/** The features asked of one view. */
export interface ViewRequest {
  readonly view: string;
  /** Names as asked for, `*` for all. */
  readonly features: readonly string[];
}

/** A feature of a view and the name of the column that it becomes. */
export interface AskedFeature {
  readonly feature: string;
  readonly column: string;
}

/** What is asked of one view, as it is in force. */
export interface AskedView {
  readonly current: CurrentView;
  readonly features: readonly AskedFeature[];
}

const refPattern = /^([A-Za-z_][A-Za-z0-9_]*):([A-Za-z_][A-Za-z0-9_]*|\*)$/;

/** Features by view, in the order of their first mention. Throws `ValidationError` for a text that is not `view:feature` or `view:*`. */
export function parseRefs(refs: readonly string[]): ViewRequest[] {
  if (!Array.isArray(refs) || refs.length === 0) throw new ValidationError("features must be a list such as ['airport_delays:delay_mean_1h'] with at least one entry.", { path: 'features' });
  const views = new Map<string, string[]>();
  refs.forEach((ref, i) => {
    const match = typeof ref === 'string' ? refPattern.exec(ref) : null;
    if (!match) throw new ValidationError(`features[${i}] is ${JSON.stringify(ref)}; name a feature as 'view:feature', or all of a view as 'view:*'.`, { path: `features[${i}]` });
    const [, view, feature] = match as unknown as [string, string, string];
    views.set(view, [...(views.get(view) ?? []), feature]);
  });
  return [...views].map(([view, features]) => ({ view, features }));
}

/** The features asked of a view and the columns they become. Throws `NotFoundError` for a feature that the view lacks. */
export function askedFeatures(view: FeatureView, request: ViewRequest, fullFeatureNames: boolean): AskedFeature[] {
  const known = Object.keys(view.features);
  return request.features
    .flatMap((name) => (name === '*' ? known : [name]))
    .map((feature) => {
      if (!Object.hasOwn(view.features, feature)) {
        throw new NotFoundError(`The feature view '${view.name}' has no feature '${feature}'; it has ${known.join(', ')}.`, { key: `${view.name}:${feature}` });
      }
      return { feature, column: fullFeatureNames ? `${view.name}__${feature}` : feature };
    });
}

/** Throws `ValidationError` when two columns of the result would have one name. */
export function assertDistinct(taken: Iterable<string>, asked: readonly AskedView[]): void {
  const owners = new Map<string, string>();
  for (const name of taken) {
    if (name === '__proto__') throw new ValidationError("entities has a column '__proto__', which no plain result can have; rename it.", { path: 'entities' });
    owners.set(name, 'a column of entities');
  }
  for (const { current, features } of asked) {
    for (const { feature, column } of features) {
      const owner = owners.get(column);
      const own = `${current.view.name}:${feature}`;
      if (owner !== undefined) {
        const advice = owner === own ? 'Ask for it once.' : 'Ask with { fullFeatureNames: true }, or rename one of them.';
        throw new ValidationError(`Two columns of the result would be named '${column}': ${owner} and ${own}. ${advice}`, { path: 'features', column });
      }
      owners.set(column, own);
    }
  }
}
