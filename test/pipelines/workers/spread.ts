import { Pipeline, type Duration, type StepExecutor, type StepHandle } from '../../../src/index.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';

/** What a step waits for before it ends, in whatever process: the word of the test. */
export type Gate = (unit: string) => Promise<string>;

/** Who makes the attempts of the pipeline, and how long it waits for a sign of life. */
export interface SpreadTerms {
  /** @default 'workers' */
  readonly executor?: 'workers' | 'here' | StepExecutor | undefined;
  /** @default '1s' */
  readonly lease?: Duration | undefined;
}

/** A pipeline whose steps tell when they begin, and pass on what they are told. */
export function spread(storage: StorageAdapter, gate: Gate, { executor = 'workers', lease = '1s' }: SpreadTerms = {}): { pipeline: Pipeline; report: StepHandle<string> } {
  const pipeline = new Pipeline({ name: 'spread', storage, executor: executor === 'here' ? undefined : executor, lease });
  const rows = pipeline.step('ingest', {}, async ({ run }) => ({ told: await gate(`${run.id} ingest`), weights: new Float64Array(10_000).fill(2) }));
  const squares = pipeline.map('square', { needs: { rows }, over: () => [1, 2, 3, 4, 5, 6] }, async ({ item, inputs, run }) => {
    return (await gate(`${run.id} square ${run.index}`)) === 'go' ? item * item * inputs.rows.weights[9999]! : NaN;
  });
  const report = pipeline.step('report', { needs: { squares } }, async ({ inputs, run }) => `${await gate(`${run.id} report`)} ${inputs.squares.join(' ')}`);
  return { pipeline, report };
}
