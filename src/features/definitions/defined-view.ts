import { ValidationError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { DefinitionCatalog } from './definition-catalog.ts';
import { currentView, isOnDemand, type CurrentView, type FeatureViewState } from './definition-states.ts';
import { parseVersionedName } from './feature-ref.ts';
import type { FeatureView } from './feature-view.ts';

/** A feature view with all that is known of it. */
export interface DefinedView {
  readonly current: CurrentView;
  readonly state: FeatureViewState;
  /** When it was first defined. */
  readonly since: number;
}

/** Finds a feature view by name, by name and version, or as it was defined. Throws `NotFoundError` when there is none, and `ValidationError` for what has no rows. */
export async function definedView(catalog: DefinitionCatalog, view: string | FeatureView, options: OperationOptions): Promise<DefinedView> {
  const { name, version } = viewNameOf(view);
  const state = await catalog.view(name, false, options);
  if (isOnDemand(state)) throw new ValidationError(`'${name}' is an on-demand view: it is computed when it is asked for, and has no rows.`, { path: 'view' });
  return { current: currentView(name, state, version), state, since: state.versions[0]!.at };
}

/** Whether a view is named, where options may stand in its place. */
export function isView(asked: unknown): asked is string | FeatureView {
  return typeof asked === 'string' || (typeof asked === 'object' && asked !== null && 'kind' in asked);
}

/** The name of a view, and the version where one is asked for. */
export function viewNameOf(view: string | FeatureView): { name: string; version: string | undefined } {
  const given: unknown = typeof view === 'string' ? view : (view as Partial<FeatureView> | undefined)?.name;
  if (typeof given !== 'string') throw new ValidationError('view must be the name of a feature view or the view itself.', { path: 'view' });
  return parseVersionedName(given, 'view');
}
