import type { Clock } from '../../core/clock.ts';
import { isModelkeepError } from '../../core/errors.ts';
import type { GivenIds } from '../bookkeeping/given-ids.ts';
import type { OutcomeSinks } from '../bookkeeping/outcome-sinks.ts';
import type { Prediction, ServedOutcome } from '../prediction.ts';
import { newPredictionId } from '../routing/prediction-id.ts';
import type { Choice, Routes } from '../routing/routes.ts';
import type { RunResult } from '../versions/runner.ts';
import type { Inference, InferenceCall } from './inference.ts';

/** What predictions are made with. */
export interface PredictionsParts<Input, Output> {
  readonly routes: Routes<Input, Output>;
  readonly inference: Inference<Input, Output>;
  readonly sinks: OutcomeSinks;
  readonly ids: GivenIds;
  readonly clock: Clock;
}

/** One request, as it came. */
export interface PredictionRequest<Input> extends InferenceCall {
  readonly input: Input;
  readonly key: string | undefined;
  /** Given by the caller. */
  readonly id: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
  /** By the monotonic clock. */
  readonly startedAt: number;
}

const nothingRan: Omit<RunResult<never>, 'output'> = { queueMs: 0, computeMs: 0, batchSize: 0 };

/** Makes predictions: asks the chosen version, then the fallback when that fails, and tells of every outcome. */
export class Predictions<Input, Output> {
  readonly #parts: PredictionsParts<Input, Output>;

  constructor(parts: PredictionsParts<Input, Output>) {
    this.#parts = parts;
  }

  /** The answer of the chosen version, or of the fallback. Throws what the chosen version failed of when no fallback answers either. */
  async make(choice: Choice<Input, Output>, request: PredictionRequest<Input>): Promise<Prediction<Output>> {
    const { routes, ids } = this.#parts;
    const origin = { version: choice.slot.version, arm: choice.arm };
    const id = request.id ?? newPredictionId(origin);
    if (request.id !== undefined) ids.remember(id, origin);
    try {
      return await this.#ask(choice, id, request);
    } catch (error) {
      const fallback = mayFallBack(error) ? routes.fallbackOf(choice.slot.version) : undefined;
      if (fallback === undefined || this.#isLate(request)) throw error;
      return this.#ask(fallback, id, request).catch((again: unknown) => {
        throw isCallersError(again) ? again : error;
      });
    }
  }

  async #ask(choice: Choice<Input, Output>, id: string, request: PredictionRequest<Input>): Promise<Prediction<Output>> {
    const { inference } = this.#parts;
    const { slot, reason } = choice;
    let asked = request.input;
    let result: RunResult<Output>;
    try {
      asked = await inference.prepare(slot, request.input, request);
      result = await inference.run(slot, asked, request);
    } catch (error) {
      if (!isCallersError(error)) this.#tell(choice, id, request, asked, { ...nothingRan, error });
      throw error;
    }
    const { output, computeMs, batchSize } = result;
    const latencyMs = this.#tell(choice, id, request, asked, result);
    return { id, output, version: slot.version, reason, cached: false, latencyMs, computeMs, batchSize };
  }

  #tell({ slot, arm, reason }: Choice<Input, Output>, id: string, request: PredictionRequest<Input>, input: Input, result: Omit<RunResult<Output>, 'output'> & { readonly output?: Output; readonly error?: unknown }): number {
    const { sinks, clock } = this.#parts;
    const latencyMs = clock.monotonic() - request.startedAt;
    const outcome: ServedOutcome = { id, at: request.at, version: slot.version, arm, reason, key: request.key, shadow: false, input, ...result, cached: false, latencyMs };
    sinks.tell(outcome);
    return latencyMs;
  }

  #isLate({ deadline }: InferenceCall): boolean {
    return deadline !== undefined && this.#parts.clock.monotonic() >= deadline;
  }
}

/** Whether a prediction failed of what its caller did: it left, or asked what the model does not take. */
function isCallersError(error: unknown): boolean {
  return isModelkeepError(error, 'validation', 'aborted');
}

/** Whether another version may answer better: not when the caller is to blame, nor the features, which every version needs. */
function mayFallBack(error: unknown): boolean {
  return !isCallersError(error) && !(isModelkeepError(error) && error.details['features'] === true);
}
