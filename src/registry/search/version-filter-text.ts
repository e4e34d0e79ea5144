import { filterText } from '../../core/search/filter-text.ts';
import type { VersionFilter } from './version-filter.ts';
import { versionVocabulary } from './version-vocabulary.ts';

/**
 * The text of a filter of versions, from which {@link parseVersionFilter} makes the same filter again. Throws `ValidationError` with the path of what is wrong in a filter that is none.
 *
 * @example
 * ```ts
 * import { versionFilterText } from 'modelkeep';
 *
 * console.log(versionFilterText({ and: [{ attribute: 'stage', eq: 'production' }, { metric: 'auc', gt: 0.8 }] })); // attributes.stage = 'production' AND metrics.auc > 0.8
 * ```
 */
export function versionFilterText(filter: VersionFilter): string {
  return filterText(versionVocabulary, filter);
}
