import { callerOf } from '../../src/core/abort.ts';
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import type { BatchingOptions } from '../../src/serving/execution/execution-options.ts';
import { ModelRunner } from '../../src/serving/execution/model-runner.ts';
import { ResponseCache } from '../../src/serving/execution/response-cache.ts';
import type { Predictor } from '../../src/serving/predictor.ts';
import { compare, measure } from './harness.ts';

const clients = 64;
const requests = 2_000;

function runnerOf<I, O>(predictor: Predictor<I, O>, batching?: BatchingOptions<I>): ModelRunner<I, O> {
  return new ModelRunner({ name: 'bench@1', predictor, batching, clock: systemClock, random: systemRandom });
}

/** A model in this thread that takes 200 µs however much it is asked, as starting a graph does, and 2 µs for each input. */
function predictBatch(inputs: readonly number[]): number[] {
  const until = performance.now() + 0.2 + 0.002 * inputs.length;
  while (performance.now() < until);
  return inputs.map((input) => input + 1);
}

/** Clients that ask one after the other, each as soon as it was answered. */
async function ask(runner: ModelRunner<number, number>, eachTurn: boolean): Promise<void> {
  let left = requests;
  const client = async (): Promise<void> => {
    for (let input = left--; input > 0; input = left--) {
      if (eachTurn) await new Promise((resolve) => setImmediate(resolve));
      const { output } = await runner.run(input);
      if (output !== input + 1) throw new Error(`${input} got ${output}, the answer of another.`);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
}

const many = 20_000;

export const benchmarks = [
  compare(
    `${requests} requests of ${clients} clients in batches, of a model with a fixed cost (one by one)`,
    ({ batched }) => ask(batched, false),
    ({ alone }) => ask(alone, false),
    { setup: () => ({ batched: runnerOf({ predictBatch }, { maxSize: 32 }), alone: runnerOf({ predictBatch }) }), runs: 5, target: { ratioAtMost: 1 / 3 } },
  ),
  compare(
    `${requests} requests that come each by itself, in batches, of a model with a fixed cost (one by one)`,
    ({ batched }) => ask(batched, true),
    ({ alone }) => ask(alone, true),
    { setup: () => ({ batched: runnerOf({ predictBatch }, { maxSize: 32 }), alone: runnerOf({ predictBatch }) }), runs: 5, target: { ratioAtMost: 1 / 3 } },
  ),
  measure(
    'A request through a runner, model at once',
    async (runner: ModelRunner<number, number>) => {
      for (let i = 0; i < many; i++) await runner.run(i);
    },
    { setup: () => runnerOf({ predict: (x: number) => x + 1 }), operations: many, unit: 'µs', warmup: 3, target: { atMost: 5 } },
  ),
  measure(
    'A request through a runner, model a promise, with a signal',
    async (runner: ModelRunner<number, number>) => {
      const { signal } = new AbortController();
      for (let i = 0; i < many; i++) await runner.run(i, { caller: callerOf(signal) });
    },
    { setup: () => runnerOf({ predict: async (x: number) => x + 1 }), operations: many, unit: 'µs', warmup: 3, target: { atMost: 15 } },
  ),
  measure(
    'An answer from the cache, 100 features',
    async ({ cache, input }: { cache: ResponseCache<number[]>; input: Float32Array }) => {
      for (let i = 0; i < many; i++) await cache.answer({ version: 1, input, compute: async () => [0.5, 0.5] });
    },
    {
      setup: () => ({ cache: new ResponseCache<number[]>({}, systemClock), input: Float32Array.from({ length: 100 }, (_, i) => Math.sin(i)) }),
      operations: many,
      unit: 'µs',
      warmup: 3,
      target: { atMost: 20 },
    },
  ),
];
