import { NotFoundError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { readEach } from '../../storage/read-each.ts';
import type { RunStore, StepRecord } from '../run-store.ts';
import { countingParams } from './cache-key.ts';
import { missCauses, newestFirst, type ExplainOptions, type StepExplanation } from './explain.ts';
import { staleCauses, type StaleCause, type StaleKind } from './stale-cause.ts';
import type { CacheLookup } from './step-cache.ts';

/** Why an item of a step ran though the step has a cache. */
export interface ItemExplanation {
  /** The number of the item, counted from 0. */
  readonly index: number;
  /** All that is different from an equal item of the run that it is compared with, or that there was none. Empty when its output was there to be taken, but the attempt failed or was stopped. */
  readonly causes: readonly StaleCause[];
}

/** What became of the items of a step that has a cache. */
export interface ItemsExplanation {
  /** Of how many items the cache was asked for the output. */
  readonly asked: number;
  /** Of how many of them it was taken. */
  readonly taken: number;
  /** How many of the others ran by a cause of each kind; of kinds that there are none of, nothing. */
  readonly kinds: Readonly<Partial<Record<StaleKind, number>>>;
  /** The others, those of the lowest numbers, at most 16. */
  readonly stale: readonly ItemExplanation[];
}

/** An item of a run for which the cache was asked. */
interface AskedItem {
  readonly record: StepRecord;
  readonly lookup: CacheLookup;
}

interface AskedItems {
  readonly run: string;
  readonly params: unknown;
  readonly items: ReadonlyMap<number, AskedItem>;
}

const itemsAtOnce = 1000;
const shownItems = 16;

/** Explains the items of a step in a run; throws `NotFoundError` when the cache was asked for none. */
export async function explainItems(store: RunStore, step: string, { run, signal }: ExplainOptions): Promise<StepExplanation> {
  const all = await newestFirst(store, { signal });
  const subject = await firstAsked(store, step, run === undefined ? all : [run], { signal });
  if (subject === undefined) {
    const where = run === undefined ? 'in no run' : `not in run ${run}`;
    throw new NotFoundError(`The cache was asked for items of step '${step}' ${where}: run the pipeline first, or look whether the step came to have items.`, { key: step, run });
  }
  const needsOther = [...subject.items.values()].some(({ lookup: { miss } }) => miss?.kind === 'absent');
  const earlier = needsOther ? await firstAsked(store, step, all.slice(all.indexOf(subject.run) + 1), { signal }, ({ status }) => status === 'succeeded') : undefined;
  const byDigest = new Map([...(earlier?.items.values() ?? [])].map((item) => [item.lookup.item, item]));
  const stale = [...subject.items].filter(([, { record }]) => record.cache === undefined).map(([index, item]): ItemExplanation => ({ index, causes: causesOf(index, item, subject, earlier, byDigest) }));
  const kinds: Partial<Record<StaleKind, number>> = {};
  for (const { causes } of stale) for (const kind of new Set(causes.map((cause) => cause.kind))) kinds[kind] = (kinds[kind] ?? 0) + 1;
  const distinct = new Map(stale.flatMap(({ causes }) => causes.map((cause) => [cause.because, cause] as const)));
  return {
    step,
    run: subject.run,
    ...(earlier && { comparedWith: earlier.run }),
    causes: [...distinct.values()].slice(0, shownItems),
    items: { asked: subject.items.size, taken: subject.items.size - stale.length, kinds, stale: stale.slice(0, shownItems) },
  };
}

function causesOf(index: number, { lookup }: AskedItem, subject: AskedItems, earlier: AskedItems | undefined, byDigest: ReadonlyMap<string | undefined, AskedItem>): StaleCause[] {
  const { miss, item } = lookup;
  if (miss === undefined) return [];
  if (miss.kind !== 'absent') return missCauses(miss);
  if (earlier === undefined) return [{ kind: 'never-run', because: 'no run before has made an output that could be taken' }];
  const equal = byDigest.get(item);
  if (equal?.lookup.key === lookup.key) return [{ kind: 'cleared', because: `what run ${earlier.run} made or took is not there any more` }];
  if (equal) return staleCauses({ facts: equal.lookup, params: countingParams(earlier.params, equal.lookup.params) }, { facts: lookup, params: countingParams(subject.params, lookup.params) });
  return [{ kind: 'item', name: String(index), from: earlier.items.get(index)?.lookup.item, to: item, because: `no item of run ${earlier.run} was equal to item ${index}` }];
}

/** The first of these runs in which the cache was asked for items of which that holds; a record that cannot be read hides no other. */
async function firstAsked(store: RunStore, step: string, runs: readonly string[], options: OperationOptions, counts: (record: StepRecord) => boolean = () => true): Promise<AskedItems | undefined> {
  for (const run of runs) {
    const [listed] = await records(store, [store.stepKey(run, { step })], options);
    const total = listed?.items?.total ?? 0;
    const items = new Map<number, AskedItem>();
    for (let from = 0; from < total; from += itemsAtOnce) {
      const keys = Array.from({ length: Math.min(itemsAtOnce, total - from) }, (_, i) => store.stepKey(run, { step, index: from + i }));
      for (const [i, record] of (await records(store, keys, options)).entries()) if (record?.lookup && counts(record)) items.set(from + i, { record, lookup: record.lookup });
    }
    if (items.size > 0) return { run, params: (await store.head(run, options))?.params, items };
  }
  return undefined;
}

async function records(store: RunStore, keys: readonly Key[], options: OperationOptions): Promise<(StepRecord | undefined)[]> {
  const found = await readEach<StepRecord>(store.storage, keys, options);
  return found.map((record) => (record && 'value' in record ? record.value : undefined));
}
