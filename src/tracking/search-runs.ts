import { ValidationError } from '../core/errors.ts';
import { checkOptionNames, type OptionNames } from '../core/option-names.ts';
import type { OperationOptions } from '../core/progress.ts';
import { asksAbout } from '../core/search/filter-parts.ts';
import { ItemSelection } from '../core/search/item-selection.ts';
import { readFilter } from '../core/search/read-filter.ts';
import { parseOrder } from '../core/search/search-order.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { listAll } from '../storage/records.ts';
import { readEach } from '../storage/read-each.ts';
import type { DatasetRecord } from './run-datasets.ts';
import type { RunIndex } from './run-index.ts';
import { isListed, type DamagedRun, type RunPage } from './run-list.ts';
import { toRunRecord } from './run-record.ts';
import type { RunFilter } from './search/run-filter.ts';
import type { RunOrder } from './search/run-order.ts';
import { runVocabulary } from './search/run-vocabulary.ts';
import type { SearchableDataset, SearchableRun } from './search/searchable-run.ts';
import { checkLimit, checkRunsQuery, type RunsQuery } from './tracker-options.ts';
import { keys } from './tracking-keys.ts';

/** Which runs are searched for, in which order. */
export interface SearchRunsOptions extends RunsQuery {
  /** Which runs are found: a text such as `metrics.loss < 0.1 and tags.team = 'ops'`, or the same as an object. @default all */
  filter?: string | RunFilter | undefined;
  /** What they are sorted by, the most important first: texts such as `metrics.loss desc`, or objects. @default from the newest */
  orderBy?: readonly (string | RunOrder)[] | undefined;
  /** At most so many. @default 100 */
  limit?: number | undefined;
  /** The `next` of the page before, of the same search. @default from the first */
  after?: string | undefined;
}

const names: OptionNames<SearchRunsOptions> = { experiments: true, deleted: true, filter: true, orderBy: true, limit: true, after: true, signal: true };

/** A page of the runs that a search finds. Throws `ValidationError` for a filter, an order or a cursor that cannot be read. */
export async function searchRunPage(storage: StorageAdapter, index: RunIndex, query: SearchRunsOptions, now: number): Promise<RunPage> {
  checkOptionNames(query, names, 'searchRuns');
  const { experiments, deleted = 'exclude', filter, orderBy = [], limit = 100, after, signal } = query;
  checkRunsQuery(query);
  checkLimit(limit);
  if (after !== undefined && typeof after !== 'string') throw new ValidationError(`after is ${shown(after, 80)}; give the next of the page before.`, { path: 'after' });
  const checked = readFilter(runVocabulary, filter);
  const orders = parseOrder(runVocabulary, orderBy);
  const among = experiments === undefined ? undefined : new Set(experiments);
  const { runs, damaged } = await index.look(now, { signal });
  const datasets = asksAbout(runVocabulary, checked, 'dataset') ? await readSearchableDatasets(storage, { signal }) : undefined;
  const scope = [among === undefined ? null : [...among].sort(), deleted];
  const selection = new ItemSelection<SearchableRun>(runVocabulary, { filter: checked, orders, scope, limit, after });
  for (const run of runs) {
    if ((among !== undefined && !among.has(run.experiment)) || !isListed(run, deleted)) continue;
    selection.offer(datasets === undefined ? run : { ...run, datasets: datasets.get(run.id) });
  }
  const page = selection.page();
  // Damage has no place in an order; whoever reads all pages is told once.
  const told: readonly DamagedRun[] = after === undefined ? damaged : [];
  return { items: page.items.map(({ datasets: _, ...run }) => toRunRecord(run)), damaged: told, next: page.next };
}

/** The datasets of all runs by the id of the run; those that cannot be read are not there. */
async function readSearchableDatasets(storage: StorageAdapter, options: OperationOptions): Promise<ReadonlyMap<string, readonly SearchableDataset[]>> {
  const found: string[] = [];
  for await (const { key } of listAll(storage, { prefix: keys.allDatasets, limit: 10_000 }, options)) found.push(key);
  const byRun = new Map<string, SearchableDataset[]>();
  for (const [i, record] of (await readEach<DatasetRecord>(storage, found, options)).entries()) {
    if (record === undefined || 'error' in record) continue;
    const run = found[i]!.split('/').at(-2)!;
    const { name, fingerprint, role } = record.value;
    byRun.set(run, [...(byRun.get(run) ?? []), { name, digest: fingerprint, role }]);
  }
  return byRun;
}
