import { Pipeline, type StorageAdapter } from 'modelkeep';

/** A pipeline of two steps, of which the second fails the first time that it is tried. */
export function failingOnce(storage: StorageAdapter): { readonly pipeline: Pipeline } {
  const pipeline = new Pipeline({ name: 'retrain', storage });
  let failed = false;
  const load = pipeline.step('load', {}, () => [1, 2]);
  pipeline.step('train', { needs: { load } }, () => {
    if (failed) return 'trained';
    failed = true;
    throw new Error('once');
  });
  return { pipeline };
}
