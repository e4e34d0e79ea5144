import { parseFilter as parse } from '../../core/search/parse-filter.ts';
import type { RunFilter } from './run-filter.ts';
import { runVocabulary } from './run-vocabulary.ts';

/**
 * Reads a filter, such as `` metrics.`val/auc` > 0.8 AND (params.model = 'tree' OR tags.team ILIKE 'o%') ``, in a superset of MLflow's grammar.
 *
 * - What is asked about: `metrics.`, `params.`, `tags.`, `attributes.` or `datasets.` (also in the singular, `parameters.`, `attr.`, `run.`) and a key; a name alone is an attribute. Keys are quoted with `` ` `` or `"`; letters, digits
 *   and `_ . / : -` need no quotes.
 * - Tests: `= == != > >= < <=`, `[NOT] LIKE`, `[NOT] ILIKE`, `[NOT] IN (…)`, `BETWEEN … AND …` (both ends included), `IS [NOT] NULL`.
 * - Values: numbers for metrics, times and durations (`nan`, `inf`, `-inf` included), texts in `'` or `"` for all else; a quote within is written twice.
 * - `NOT` binds closest, then `AND`, then `OR`; parentheses group; `TRUE` is every run and `FALSE` none. An empty text means every run, and one `AND` at the very end is ignored, as in MLflow. Keywords may have any case.
 *
 * Throws `ValidationError` that shows the character where it cannot be read on, whose index is `details.position`. Costs time linear in the text.
 *
 * @example
 * ```ts
 * import { parseFilter } from 'modelkeep';
 *
 * console.log(parseFilter("metrics.loss < 0.1 AND NOT tags.team = 'ops'")); // { and: [{ metric: 'loss', lt: 0.1 }, { not: { tag: 'team', eq: 'ops' } }] }
 * ```
 */
export function parseFilter(text: string): RunFilter {
  return parse(runVocabulary, text) as RunFilter;
}
