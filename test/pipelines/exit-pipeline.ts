import { Pipeline } from '../../src/index.ts';
import type { StorageAdapter } from '../../src/storage/contract.ts';

/** Two steps, of which the second does what it is told. */
export function exitPipeline(storage: StorageAdapter, second: () => string): Pipeline {
  const pipeline = new Pipeline({ name: 'exits', storage });
  const first = pipeline.step('first', {}, () => process.pid);
  pipeline.step('second', { needs: { first } }, second);
  return pipeline;
}
