import { checkFilter } from './check-filter.ts';
import { parseFilter } from './parse-filter.ts';
import type { AnyFilter } from './search-filter.ts';
import type { SearchVocabulary } from './search-vocabulary.ts';

/** The filter that a caller gives, as a text or as an object; without one, all items are meant. Throws `ValidationError` that says where it cannot be read. */
export function readFilter<T>(vocabulary: SearchVocabulary<T>, filter: unknown): AnyFilter {
  if (filter === undefined) return { and: [] };
  return typeof filter === 'string' ? parseFilter(vocabulary, filter) : checkFilter(vocabulary, filter);
}
