import { Pipeline, type StorageAdapter } from 'modelkeep';

/** The same pipelines in every process: one that trains within another until it is stopped. */
export function nightly(storage: StorageAdapter, journal: (line: string) => void): { readonly pipeline: Pipeline; readonly training: Pipeline } {
  const training = new Pipeline({ name: 'training', storage, lease: '900ms' });
  training.step('train', {}, ({ signal }) => {
    journal('train');
    const pause = setInterval(() => undefined, 1_000);
    return new Promise<never>((_, reject) => signal.addEventListener('abort', () => (clearInterval(pause), journal((signal.reason as Error).message), reject(signal.reason as Error)), { once: true }));
  });
  training.finally('tidy', {}, ({ states }) => journal(`tidy: train ${states['train']!.status}`));
  const pipeline = new Pipeline({ name: 'nightly', storage, lease: '900ms' });
  pipeline.step('train', {}, training.asStep());
  pipeline.finally('clean', {}, ({ states }) => journal(`clean: train ${states['train']!.status}`));
  return { pipeline, training };
}
