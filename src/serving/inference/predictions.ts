import type { Clock } from '../../core/clock.ts';
import { IdMaker } from '../../core/ids.ts';
import { isModelkeepError } from '../../core/errors.ts';
import type { Bookkeeping } from '../bookkeeping/bookkeeping.ts';
import { plainCopy } from '../execution/plain-copy.ts';
import type { Prediction, ServedOutcome } from '../prediction.ts';
import { newPredictionId } from '../routing/prediction-id.ts';
import type { Choice, Routes } from '../routing/routes.ts';
import type { UnitAttributes } from '../routing/deployed-experiment.ts';
import type { ShadowLane } from '../routing/shadow-lane.ts';
import type { Inference, InferenceCall, RunAnswer } from './inference.ts';

/** What predictions are made with. */
export interface PredictionsParts<Input, Output> {
  readonly routes: Routes<Input, Output>;
  readonly inference: Inference<Input, Output>;
  readonly books: Bookkeeping<Input, Output>;
  readonly shadows: ShadowLane;
  readonly clock: Clock;
}

/** One request, as it came. */
export interface PredictionRequest<Input> extends InferenceCall {
  readonly input: Input;
  readonly key: string | undefined;
  readonly attributes: UnitAttributes | undefined;
  /** Given by the caller. */
  readonly id: string | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
  /** By the monotonic clock. */
  readonly startedAt: number;
}

// What every prediction makes is not spread together, which takes much longer.
type Writable<T> = { -readonly [K in keyof T]: T[K] };

type Facts = Omit<RunAnswer<unknown>, 'output'> & { readonly output?: unknown; readonly error?: unknown };

const nothingRan = { queueMs: 0, computeMs: 0, batchSize: 0, cached: false } as const;

/** Makes predictions: asks the chosen version, then the fallback when that fails, gives copies to a shadow, and tells of every outcome. */
export class Predictions<Input, Output> {
  readonly #parts: PredictionsParts<Input, Output>;
  readonly #ids = new IdMaker();

  constructor(parts: PredictionsParts<Input, Output>) {
    this.#parts = parts;
  }

  /** The answer of the chosen version, or of the fallback. Throws what the chosen version failed of when no fallback answers either. */
  async make(choice: Choice<Input, Output>, request: PredictionRequest<Input>): Promise<Prediction<Output>> {
    const { books } = this.#parts;
    const origin = { version: choice.slot.version, arm: choice.arm, variant: choice.variant };
    const id = request.id ?? newPredictionId(this.#ids, origin);
    if (request.id !== undefined || choice.variant !== undefined) books.remember(id, origin, request.key);
    try {
      const prediction = await this.#ask(choice, id, request);
      this.#shadow(choice, id, request);
      return prediction;
    } catch (error) {
      return this.#fallBack(choice, id, request, error);
    }
  }

  async #fallBack(choice: Choice<Input, Output>, id: string, request: PredictionRequest<Input>, error: unknown): Promise<Prediction<Output>> {
    const { routes } = this.#parts;
    // What a candidate takes for no valid input may be one for the version in use: then the candidate is to blame.
    const isRefused = isModelkeepError(error, 'validation') && choice.arm === 'candidate' && choice.reason !== 'override';
    const fallback = isRefused || mayFallBack(error) ? routes.fallbackOf(choice.slot.version) : undefined;
    if (fallback === undefined || this.#isLate(request)) throw error;
    const prediction = await this.#ask({ ...fallback, variant: choice.variant }, id, request).catch((again: unknown) => {
      throw isCallersError(again) ? again : error;
    });
    if (isRefused) this.#tell(choice, id, request, request.input, { ...nothingRan, error });
    return prediction;
  }

  async #ask(choice: Choice<Input, Output>, id: string, request: PredictionRequest<Input>): Promise<Prediction<Output>> {
    const { inference } = this.#parts;
    const { slot, reason } = choice;
    let asked = request.input;
    let answer: RunAnswer<Output>;
    slot.hold();
    try {
      if (inference.looksUp) asked = await inference.withLookup(slot, asked, request);
      inference.check(slot, asked);
      answer = await inference.run(slot, asked, request);
    } catch (error) {
      if (!isCallersError(error)) this.#tell(choice, id, request, asked, { ...nothingRan, error });
      throw error;
    } finally {
      slot.release();
    }
    const { output, computeMs, batchSize, cached = false } = answer;
    const latencyMs = this.#tell(choice, id, request, asked, answer);
    const prediction: Writable<Prediction<Output>> = { id, output, version: slot.version, reason, cached, latencyMs, computeMs, batchSize };
    if (choice.variant !== undefined) prediction.variant = choice.variant;
    return prediction;
  }

  /** Gives a copy of a request that was answered to the candidate, if that is to have one. */
  #shadow({ slot: answered, reason }: Choice<Input, Output>, id: string, { input, key, at }: PredictionRequest<Input>): void {
    const { routes, shadows } = this.#parts;
    const shadow = reason === 'override' ? undefined : routes.shadowOf(answered.version, key);
    if (shadow === undefined) return;
    shadows.offer(() => {
      // Whoever asked may write over the input when they have their answer. What is no plain data cannot be copied.
      const copy = plainCopy(input);
      return () => this.#askShadow(shadow, id, { input: copy === undefined ? input : copy.value, key, at });
    });
  }

  async #askShadow(shadow: Choice<Input, Output>, id: string, { input, key, at }: Pick<PredictionRequest<Input>, 'input' | 'key' | 'at'>): Promise<void> {
    if (shadow.slot.state !== 'ready') return;
    const { inference, clock } = this.#parts;
    const request = { input, key, id, at, attributes: undefined, startedAt: clock.monotonic(), caller: undefined, deadline: undefined };
    let asked = input;
    try {
      if (inference.looksUp) asked = await inference.withLookup(shadow.slot, input, request);
      inference.check(shadow.slot, asked);
      this.#tell(shadow, id, request, asked, await inference.run(shadow.slot, asked, request), true);
    } catch (error) {
      // The request itself was answered: it was valid, and whatever the shadow has against it is the shadow's fault.
      this.#tell(shadow, id, request, asked, { ...nothingRan, error }, true);
    }
  }

  #tell({ slot, arm, reason, variant }: Choice<Input, Output>, id: string, { key, at, startedAt, attributes }: PredictionRequest<Input>, input: Input, facts: Facts, shadow = false): number {
    const { books, clock } = this.#parts;
    const latencyMs = clock.monotonic() - startedAt;
    const { queueMs, computeMs, batchSize, cached = false } = facts;
    const outcome: Writable<ServedOutcome> = { id, at, version: slot.version, arm, reason, key, shadow, input, queueMs, computeMs, batchSize, cached, latencyMs };
    if (variant !== undefined) outcome.variant = variant;
    if (facts.error === undefined) outcome.output = facts.output;
    else outcome.error = facts.error;
    books.tell(outcome);
    if ((reason === 'experiment' || reason === 'sticky') && variant !== undefined && key !== undefined) books.expose(key, { variant, attributes, at });
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
