import * as z from 'zod/mini';
import { throwIfAborted } from '../../core/abort.ts';
import { ValidationError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import { signalOption } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import { ItemSelection } from '../../core/search/item-selection.ts';
import { readFilter } from '../../core/search/read-filter.ts';
import { parseOrder } from '../../core/search/search-order.ts';
import type { DamagedVersion, VersionPage } from '../damaged.ts';
import { checkModelName } from '../model-name.ts';
import { isThere, type ModelState } from '../model-state.ts';
import type { ModelStore } from '../model-store.ts';
import { viewOf } from '../model-version.ts';
import type { VersionFilter, VersionOrder } from './version-filter.ts';
import { versionVocabulary } from './version-vocabulary.ts';

/** Which versions are searched for, in which order. */
export interface SearchVersionsOptions extends OperationOptions {
  /** The one model whose versions are searched. @default all models */
  readonly model?: string | undefined;
  /** The models whose versions are searched. @default all models */
  readonly models?: readonly string[] | undefined;
  /** Which versions are found: a text such as `metrics.auc > 0.8 and stage = 'production'`, or the same as an object. @default all */
  readonly filter?: string | VersionFilter | undefined;
  /** What they are sorted by, the most important first: texts such as `metrics.auc desc`, or objects. @default from the newest */
  readonly orderBy?: readonly (string | VersionOrder)[] | undefined;
  /** At most so many, up to 1000. @default 100 */
  readonly limit?: number | undefined;
  /** The `next` of the page before, of the same search. @default from the first */
  readonly after?: string | undefined;
}

const schema = z.strictObject({
  model: z.optional(z.string()),
  models: z.optional(z.array(z.string())),
  filter: z.optional(z.unknown()),
  orderBy: z.optional(z.unknown()),
  limit: z.optional(z.int().check(z.minimum(1), z.maximum(1000))),
  after: z.optional(z.string()),
  signal: signalOption,
});

// A batch is decoded whole, and versions have as many files as they like.
const batchSize = 500;

/** A page of the versions that a search finds. Reads the versions in batches, and keeps no more of them than four pages hold. What cannot be read hides no other. */
export async function searchVersionPage(store: ModelStore, options: SearchVersionsOptions): Promise<VersionPage> {
  const { model, models, filter, orderBy = [], limit = 100, after, signal } = check(schema, options, 'options') as SearchVersionsOptions;
  if (model !== undefined && models !== undefined) throw new ValidationError('options has model and models; give one of them.', { path: 'options.models' });
  const names = model !== undefined ? [checkModelName(model, 'options.model')] : models?.map((name, i) => checkModelName(name, `options.models[${i}]`));
  const among = names && [...new Set(names)].sort();
  const selection = new ItemSelection(versionVocabulary, {
    filter: readFilter(versionVocabulary, filter),
    orders: parseOrder(versionVocabulary, orderBy),
    scope: among ?? null,
    limit,
    after,
  });
  const damaged: DamagedVersion[] = [];
  for await (const state of statesOf(store, among, damaged, { signal })) {
    for (let from = state.lastVersion; from > state.deletedThrough; from -= batchSize) {
      throwIfAborted(signal, 'The search');
      const numbers: number[] = [];
      for (let at = from; at > Math.max(from - batchSize, state.deletedThrough); at--) if (isThere(state, at)) numbers.push(at);
      for (const [i, record] of (await store.eachVersion(state, numbers, { signal })).entries()) {
        if (record === undefined) continue;
        if ('error' in record) damaged.push({ model: state.name, version: numbers[i]!, error: describeFailure(record.error) });
        else selection.offer(viewOf(state, record));
      }
    }
  }
  // Damage has no place in an order; whoever reads all pages is told once.
  return { ...selection.page(), damaged: after === undefined ? damaged : [] };
}

async function* statesOf(store: ModelStore, among: readonly string[] | undefined, damaged: DamagedVersion[], options: OperationOptions): AsyncGenerator<ModelState> {
  if (among !== undefined) {
    for (const name of among) yield await store.state(name, options);
    return;
  }
  let after: string | undefined;
  do {
    const page = await store.models(after, 100, options);
    damaged.push(...page.damaged);
    yield* page.items;
    after = page.next;
  } while (after !== undefined);
}
