import { NotFoundError, isModelkeepError } from '../../../core/errors.ts';
import { eachItem } from '../../../core/page.ts';
import type { Pipeline, PipelineRun, StorageAdapter } from '../../../index.ts';
import { didYouMean } from '../../suggest.ts';

/** The names of the pipelines that have run in a store. */
export async function pipelineNames(storage: StorageAdapter, signal: AbortSignal): Promise<string[]> {
  const { Pipeline } = await import('../../../index.ts');
  const names: string[] = [];
  for await (const { name } of eachItem((after) => Pipeline.list({ storage, limit: 1000, after, signal }))) names.push(name);
  return names;
}

/** A pipeline by name, to read what has run; it has no steps of its own. Throws `NotFoundError` when nothing of the name has run. */
export async function openPipeline(storage: StorageAdapter, name: string, signal: AbortSignal): Promise<Pipeline> {
  const { Pipeline } = await import('../../../index.ts');
  const names = await pipelineNames(storage, signal);
  if (!names.includes(name)) throw new NotFoundError(`No pipeline '${name}' has run in this store${didYouMean(name, names) || '.'} It has ${names.length === 0 ? 'none' : names.join(', ')}.`, { key: name });
  return new Pipeline({ name, storage });
}

/** A run of whichever pipeline, by its id. Throws `NotFoundError` when there is none. */
export async function findRun(storage: StorageAdapter, id: string, signal: AbortSignal): Promise<PipelineRun> {
  const { Pipeline } = await import('../../../index.ts');
  for (const name of await pipelineNames(storage, signal)) {
    try {
      return await new Pipeline({ name, storage }).getRun(id, { signal });
    } catch (error) {
      if (!isModelkeepError(error, 'not-found')) throw error;
    }
  }
  throw new NotFoundError(`There is no pipeline run ${id} in this store; 'modelkeep pipelines ls' lists those that there are.`, { key: id });
}
