import type { Page } from '../../core/page.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { readEachHead } from '../../storage/head-record.ts';
import { checkStoreList, type StoreListOptions } from '../../storage/list-heads.ts';
import { namesBelow, type NameBelow } from '../../storage/names-below.ts';
import type { RunHead } from '../run-store.ts';

/** A pipeline that a store knows. */
export interface PipelineInfo {
  /** Under which its runs are stored. */
  readonly name: string;
}

const folder = 'pipelines/';

/** A page of the pipelines that have left anything in a store. */
export async function listPipelines(options: StoreListOptions): Promise<Page<PipelineInfo>> {
  const { storage, limit, after, signal } = checkStoreList(options);
  const { items, ...more } = await namesBelow(storage, folder, { with: 'folder', limit, after, signal });
  const names = await Promise.all(items.map((item) => nameOf(storage, item, { signal })));
  return { items: names.flatMap((name) => (name === undefined ? [] : [{ name }])), ...more };
}

/** A name that is too long for a key stands in the runs below it. */
async function nameOf(storage: StorageAdapter, { name, segment }: NameBelow, options: OperationOptions): Promise<string | undefined> {
  if (name !== undefined) return name;
  const { entries } = await storage.list({ prefix: `${folder}${segment}/runs/`, limit: 20 }, options);
  for (const head of await readEachHead<RunHead>(storage, entries.map(({ key }) => key), options)) if (head && 'state' in head) return head.state.pipeline;
  return undefined;
}
