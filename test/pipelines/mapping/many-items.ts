import { setTimeout as pause } from 'node:timers/promises';
import { Pipeline, type StepHandle, type StorageAdapter } from 'modelkeep';

/** A map over many items, some of which fail at first, and what gathers them; `begun` is told of each attempt at an item. */
export function manyItems(storage: StorageAdapter, begun: (key: string) => void): { readonly pipeline: Pipeline; readonly sum: StepHandle<{ sum: number; squares: number[] }> } {
  const pipeline = new Pipeline({ name: 'many', storage });
  async function* over(): AsyncGenerator<number> {
    for (let i = 0; i < 400; i++) yield await Promise.resolve(i);
  }
  const mapped = pipeline.map('m', { over, concurrency: 4, retries: { limit: 1, backoff: 1, jitter: 0 } }, async ({ item, index, run }) => {
    begun(`${run.id} ${index}`);
    if (index % 10 === 0) await pause(1);
    if (index % 7 === 0 && run.attempt === 1) throw new Error('once more');
    return item * item;
  });
  const sum = pipeline.step('sum', { needs: { mapped } }, ({ inputs }) => ({ sum: inputs.mapped.reduce((a, b) => a + b, 0), squares: inputs.mapped }));
  return { pipeline, sum };
}
