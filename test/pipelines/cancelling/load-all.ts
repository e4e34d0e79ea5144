import { MemoryStorage, Pipeline } from 'modelkeep';

/** Has a run do what the tests of this room have runs do, for what is loaded when it is asked for takes time that no clock of theirs tells. */
export async function loadAll(): Promise<void> {
  const pipeline = new Pipeline({ name: 'first', storage: new MemoryStorage(), executor: 'workers' });
  pipeline.step('train', {}, () => 1);
  pipeline.sleep('rest', { for: 0 });
  const outer = new Pipeline({ name: 'outer', storage: new MemoryStorage() });
  outer.step('nested', {}, pipeline.asStep());
  const worker = pipeline.work();
  await outer.run();
  await worker.close();
}
