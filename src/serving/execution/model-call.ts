import type { Clock } from '../../core/clock.ts';
import { ModelkeepError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { isThenable } from '../../core/thenable.ts';
import type { PredictCall, Predictor } from '../predictor.ts';
import type { BatchingSettings } from './execution-options.ts';
import type { ModelRequest } from './model-request.ts';

/** What a call works with, and who is told of what. */
export interface ModelCallParts<Input, Output> {
  readonly name: string;
  readonly predictor: Predictor<Input, Output>;
  /** Whether inputs are given to `predictBatch` even when there is one only. */
  readonly batched: boolean;
  readonly settings: Pick<BatchingSettings<Input>, 'pad' | 'bisect'>;
  readonly paddedSize: (size: number) => number;
  readonly clock: Clock;
  readonly onAnswer: (request: ModelRequest<Input, Output>, output: Output, computeMs: number, batchSize: number) => void;
  readonly onFailure: (request: ModelRequest<Input, Output>, error: unknown) => void;
  /** Is told how long a call that was answered took, and for how many inputs, those that filled it up included. */
  readonly onDuration: (size: number, ms: number) => void;
  /** Is told, once, when the model has nothing any more of so many requests. */
  readonly onEnd: (requests: number) => void;
}

/** The model does not keep to its contract; what it gave cannot be told apart by requests, and to ask it in smaller batches would not mend that. */
class UnusableOutputs extends ModelkeepError {
  constructor(name: string, what: string) {
    super('model-failed', `${name}: predictBatch ${what}.`, { key: name });
  }
}

/** A batch in the hands of a model, from the first call for it until all of its requests are settled and the model has ended. */
export class ModelCall<Input, Output> implements PredictCall {
  readonly #requests: readonly ModelRequest<Input, Output>[];
  readonly #parts: ModelCallParts<Input, Output>;
  readonly #startedAt: number;
  #wanted: number;
  #left = false;
  #abort: AbortController | undefined;
  #calls = 0;
  #failedCalls = 0;

  constructor(requests: readonly ModelRequest<Input, Output>[], parts: ModelCallParts<Input, Output>) {
    this.#requests = requests;
    this.#parts = parts;
    this.#wanted = requests.length;
    this.#startedAt = parts.clock.monotonic();
    for (const request of requests) {
      request.startedAt ??= this.#startedAt;
      request.abandon = () => {
        request.abandon = undefined;
        this.#abandoned();
      };
    }
  }

  // Made when a model looks at it, for most do not.
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#left) this.#abort.abort(noLongerWanted());
    return this.#abort.signal;
  }

  /** Gives the requests to the model. Never throws. */
  start(): void {
    const requests = this.#requests;
    try {
      const outputs = this.#ask(requests);
      if (!isThenable(outputs)) this.#take(requests, outputs, this.#startedAt);
      else {
        Promise.resolve(outputs).then(
          (resolved) => this.#end(() => this.#take(requests, resolved, this.#startedAt)),
          (error: unknown) => this.#failed(error),
        );
        return;
      }
    } catch (error) {
      return this.#failed(error);
    }
    this.#parts.onEnd(this.#requests.length);
  }

  #failed(error: unknown): void {
    if (!this.#divisible(this.#requests, error)) return this.#end(() => this.#failEach(this.#requests, error));
    this.#failedCalls = 1;
    void this.#divide(this.#requests, error).finally(() => this.#parts.onEnd(this.#requests.length));
  }

  #end(work: () => void): void {
    try {
      work();
    } catch (error) {
      return this.#failed(error);
    }
    this.#parts.onEnd(this.#requests.length);
  }

  /** One call of the model. */
  #ask(requests: readonly ModelRequest<Input, Output>[]): unknown {
    const { predictor, batched, settings, paddedSize } = this.#parts;
    this.#calls++;
    if (!batched && predictor.predict !== undefined) return single(predictor.predict(requests[0]!.input, this));
    const inputs = requests.map(({ input }) => input);
    const size = paddedSize(inputs.length);
    const last = inputs.at(-1)!;
    while (inputs.length < size) inputs.push(settings.pad(last));
    return predictor.predictBatch!(inputs, this);
  }

  /** Gives each request what is its own. Throws when that cannot be told. */
  #take(requests: readonly ModelRequest<Input, Output>[], outputs: unknown, startedAt: number): void {
    const { onAnswer, onFailure, onDuration, clock, paddedSize, name } = this.#parts;
    const size = paddedSize(requests.length);
    if (!Array.isArray(outputs)) throw new UnusableOutputs(name, `gave ${shown(outputs, 60)} in the place of an array with an output for each input`);
    if (outputs.length !== size) throw new UnusableOutputs(name, `gave ${outputs.length} outputs for ${size} inputs`);
    const now = clock.monotonic();
    onDuration(size, now - startedAt);
    for (let i = 0; i < requests.length; i++) {
      const request = requests[i]!;
      const output: unknown = outputs[i];
      this.#release(request);
      if (output instanceof Error) onFailure(request, output);
      else onAnswer(request, output as Output, now - this.#startedAt, requests.length);
    }
  }

  #failEach(requests: readonly ModelRequest<Input, Output>[], error: unknown): void {
    for (const request of requests) {
      this.#release(request);
      this.#parts.onFailure(request, error);
    }
  }

  #divisible(requests: readonly unknown[], error: unknown): boolean {
    return this.#parts.settings.bisect && requests.length > 1 && !(error instanceof UnusableOutputs);
  }

  /** Asks again in two halves, those that fail in halves of theirs. */
  async #divide(requests: readonly ModelRequest<Input, Output>[], error: unknown): Promise<void> {
    const half = Math.ceil(requests.length / 2);
    let reason = error;
    for (const part of [requests.slice(0, half), requests.slice(half)]) {
      const wanted = part.filter(({ settled }) => !settled);
      if (wanted.length === 0) continue;
      if (this.#givesUp()) this.#failEach(wanted, reason);
      else reason = (await this.#askAgain(wanted)) ?? reason;
    }
  }

  /** Resolves to what this part failed of. */
  async #askAgain(requests: readonly ModelRequest<Input, Output>[]): Promise<unknown> {
    const startedAt = this.#parts.clock.monotonic();
    try {
      const outputs = await this.#ask(requests);
      this.#take(requests, outputs, startedAt);
      return undefined;
    } catch (error) {
      this.#failedCalls++;
      if (this.#divisible(requests, error)) await this.#divide(requests, error);
      else this.#failEach(requests, error);
      return error;
    }
  }

  /** One poisoned input of n is found within log₂ n halvings, and so are three in three times as many; a model that has answered nothing after that is itself at fault. */
  #givesUp(): boolean {
    const halvings = Math.ceil(Math.log2(this.#requests.length));
    return this.#failedCalls > (this.#calls > this.#failedCalls ? 3 * halvings : halvings + 1);
  }

  /** A request was settled from outside; when nothing else is to be answered, the model may stop. */
  #abandoned(): void {
    this.#wanted--;
    this.#left = this.#wanted === 0;
    if (this.#left) this.#abort?.abort(noLongerWanted());
  }

  /** The model is done with a request, which is still wanted unless it was settled. */
  #release(request: ModelRequest<Input, Output>): void {
    if (request.abandon === undefined) return;
    request.abandon = undefined;
    this.#wanted--;
  }
}

/** The one output of a model that answers inputs one by one. */
function single(output: unknown): unknown {
  return isThenable(output) ? Promise.resolve(output).then((resolved) => [resolved]) : [output];
}

function noLongerWanted(): DOMException {
  return new DOMException('Nobody waits for the answer any longer.', 'AbortError');
}
