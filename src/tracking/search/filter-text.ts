import { filterText as textOf } from '../../core/search/filter-text.ts';
import type { RunFilter } from './run-filter.ts';
import { runVocabulary } from './run-vocabulary.ts';

/**
 * The text of a filter, from which {@link parseFilter} makes the same filter again. Throws `ValidationError` with the path of what is wrong in a filter that is none.
 *
 * @example
 * ```ts
 * import { filterText } from 'modelkeep';
 *
 * console.log(filterText({ or: [{ metric: 'val/auc', gt: 0.8 }, { tag: 'team', ilike: 'o%' }] })); // metrics.val/auc > 0.8 OR tags.team ILIKE 'o%'
 * ```
 */
export function filterText(filter: RunFilter): string {
  return textOf(runVocabulary, filter);
}
