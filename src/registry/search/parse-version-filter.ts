import { parseFilter } from '../../core/search/parse-filter.ts';
import type { VersionFilter } from './version-filter.ts';
import { versionVocabulary } from './version-vocabulary.ts';

/**
 * Reads a filter of versions in the grammar of `parseFilter`. What is asked about: `metrics.`, `tags.`, `attributes.` (or a name alone, such as `stage` or `model`), `datasets.` (`name`, `digest`, `role`) and `files.` (`path`, `digest`).
 *
 * Throws `ValidationError` that shows the character where it cannot be read on, whose index is `details.position`. Costs time linear in the text.
 *
 * @example
 * ```ts
 * import { parseVersionFilter } from 'modelkeep';
 *
 * console.log(parseVersionFilter("metrics.auc > 0.8 AND stage = 'production'")); // { and: [{ metric: 'auc', gt: 0.8 }, { attribute: 'stage', eq: 'production' }] }
 * ```
 */
export function parseVersionFilter(text: string): VersionFilter {
  return parseFilter(versionVocabulary, text) as VersionFilter;
}
