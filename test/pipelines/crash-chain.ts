import { Pipeline, type StepHandle } from '../../src/index.ts';
import type { StorageAdapter } from '../../src/storage/contract.ts';

export const names = ['ingest', 'validate', 'train', 'evaluate'] as const;

/** A chain of steps that tell a journal when they begin; each passes on an output that lies in a blob, with the name of the step added. */
export function chain(storage: StorageAdapter, begins: (step: string) => void): { pipeline: Pipeline; last: StepHandle<{ path: string[]; weights: Float32Array }> } {
  const pipeline = new Pipeline({ name: 'crash', storage });
  let last: StepHandle<{ path: string[]; weights: Float32Array }> | undefined;
  for (const name of names) {
    const needs = last ? { before: last } : {};
    last = pipeline.step(name, { needs }, async ({ inputs }) => {
      begins(name);
      const before = (inputs as { before?: { path: string[]; weights: Float32Array } }).before;
      return { path: [...(before?.path ?? []), name], weights: new Float32Array(10_000).fill((before?.weights[0] ?? 0) + 1) };
    });
  }
  return { pipeline, last: last! };
}
