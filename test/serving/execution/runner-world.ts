import { seededRandom } from '../../../src/core/random.ts';
import type { BatchingOptions, ExecutionLimits } from '../../../src/serving/execution/execution-options.ts';
import { ModelRunner } from '../../../src/serving/execution/model-runner.ts';
import type { Predictor } from '../../../src/serving/predictor.ts';
import { EventClock } from './event-clock.ts';

/** A runner on a clock of its own. */
export function runnerOf<I, O>(predictor: Predictor<I, O>, options: { batching?: BatchingOptions<I>; limits?: ExecutionLimits; clock?: EventClock } = {}) {
  const { clock = new EventClock(), ...rest } = options;
  const told: unknown[] = [];
  const runner = new ModelRunner<I, O>({ name: 'model@1', predictor, clock, turn: clock.turn, random: seededRandom(1), onError: (error) => told.push(error), ...rest });
  return { clock, runner, told };
}

/** What a promise comes to, once it has. */
export function outcomeOf<T>(promise: Promise<T>): { value?: T; error?: { code?: string; message: string; details: Record<string, unknown>; cause?: unknown } } {
  const outcome: ReturnType<typeof outcomeOf<T>> = {};
  promise.then(
    (value) => (outcome.value = value),
    (error: unknown) => (outcome.error = error as NonNullable<typeof outcome.error>),
  );
  return outcome;
}

/** A model that takes `fixedMs` for a batch and `perItemMs` for each input of it, and doubles them; it keeps what it was asked. */
export function doublingModel(clock: EventClock, { fixedMs = 0, perItemMs = 0 } = {}) {
  const batches: number[][] = [];
  const predictBatch = async (inputs: readonly number[]): Promise<number[]> => {
    batches.push([...inputs]);
    await clock.sleep(fixedMs + perItemMs * inputs.length);
    return inputs.map((input) => input * 2);
  };
  return { batches, predictBatch };
}
