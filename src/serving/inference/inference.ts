import { callerOf, untilAborted, type Caller } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import { ModelkeepError, TimeoutError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { checkData } from '../../core/signature/check-data.ts';
import type { ResponseCache } from '../execution/response-cache.ts';
import type { ModelAnswer } from '../execution/model-request.ts';
import type { VersionSlot } from '../versions/version-slot.ts';
import { withFeatures, type FeatureLookupOptions } from './feature-lookup.ts';

const notRun = { queueMs: 0, computeMs: 0, batchSize: 0 } as const;

/** What every prediction of a deployment is made with. */
export interface InferenceParts<Input, Output> {
  readonly features: FeatureLookupOptions<Input> | undefined;
  readonly checkInput: boolean;
  readonly bytesOf: ((input: Input) => number) | undefined;
  readonly responses: ResponseCache<Output> | undefined;
  /** How long a version may take for a request whose caller says nothing of it. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Until when, and for whom, a prediction is made. */
export interface InferenceCall {
  readonly caller: Caller | undefined;
  /** When the caller stops waiting, by the monotonic clock; absent when the limits of the model decide. */
  readonly deadline: number | undefined;
}

/** An answer, and whether it was kept from before, or made for an equal request. */
export interface RunAnswer<Output> extends ModelAnswer<Output> {
  /** @default false */
  readonly cached?: boolean;
}

/** Asks one version: looks features up, holds the input to its signature, and runs it. */
export class Inference<Input, Output> {
  readonly #parts: InferenceParts<Input, Output>;

  constructor(parts: InferenceParts<Input, Output>) {
    this.#parts = parts;
  }

  /** Whether {@link withLookup} adds to what is asked. */
  get looksUp(): boolean {
    return this.#parts.features !== undefined;
  }

  /** What is asked, with its features. */
  async withLookup(slot: VersionSlot<Input, Output>, input: Input, call: InferenceCall): Promise<Input> {
    const { features } = this.#parts;
    return features ? this.#inTime(withFeatures(features, input, slot.facts!, call.caller?.signal), call) : input;
  }

  /** Throws `ValidationError` for what the model of a slot does not take. */
  check(slot: VersionSlot<Input, Output>, asked: Input): void {
    const spec = this.#parts.checkInput ? slot.facts?.signature?.input : undefined;
    if (spec) checkData(spec, asked, 'input');
  }

  /** Runs a slot on what it is asked. */
  run(slot: VersionSlot<Input, Output>, asked: Input, call: InferenceCall): Promise<RunAnswer<Output>> {
    const { clock, responses } = this.#parts;
    const bytes = this.#bytesOf(asked);
    if (responses !== undefined) return this.#runOrRecall(responses, slot, asked, call, bytes);
    const { caller, deadline } = call;
    return slot.runner.run(asked, { caller, timeoutMs: deadline === undefined ? undefined : Math.max(0, deadline - clock.monotonic()), bytes });
  }

  async #runOrRecall(responses: ResponseCache<Output>, slot: VersionSlot<Input, Output>, asked: Input, { caller, deadline }: InferenceCall, bytes: number | undefined): Promise<RunAnswer<Output>> {
    const { clock, timeoutMs } = this.#parts;
    const until = deadline ?? clock.monotonic() + timeoutMs;
    const leftMs = (): number => Math.max(0, until - clock.monotonic());
    let ran: ModelAnswer<Output> | undefined;
    const compute = async (stop: AbortSignal, input: Input): Promise<Output> => {
      // Who waited for an equal request in vain has less time left.
      ran = await slot.runner.run(input, { caller: callerOf(stop), timeoutMs: leftMs(), bytes });
      return ran.output;
    };
    const { output, cached } = await responses.answer({ version: slot.version, input: asked, signal: caller?.signal, timeoutMs: leftMs(), compute });
    const { queueMs, computeMs, batchSize } = cached || ran === undefined ? notRun : ran;
    return { output, queueMs, computeMs, batchSize, cached };
  }

  /** Throws `model-failed` for what bytes cannot be counted with: the sum of the queue would be none from then on, and its bound as well. */
  #bytesOf(asked: Input): number | undefined {
    const bytes = this.#parts.bytesOf?.(asked);
    if (bytes === undefined || (typeof bytes === 'number' && Number.isFinite(bytes) && bytes >= 0)) return bytes;
    throw new ModelkeepError('model-failed', `options.bytesOf says that an input has ${shown(bytes)} bytes; it must give a number of 0 or more.`, { path: 'options.bytesOf' });
  }

  /** What features come to in the time of the caller, or else in that which the limits give: a store that hangs must not collect requests without end. */
  #inTime<T>(work: Promise<T>, { caller, deadline }: InferenceCall): Promise<T> {
    const { clock, timeoutMs } = this.#parts;
    const what = 'The features of a prediction were';
    const inTime =
      deadline === undefined
        ? untilDeadline(work, clock.monotonic() + timeoutMs, clock, what).catch((error: unknown) => {
            throw error instanceof LateError ? new ModelkeepError('unavailable', `${what} not there within the ${timeoutMs} ms of limits.timeout.`, { features: true, cause: error }) : error;
          })
        : untilDeadline(work, deadline, clock, what);
    return untilAborted(inTime, caller?.signal, 'The prediction');
  }
}

/** The time for it is up; what it waits for may have failed of a timeout of its own. */
class LateError extends TimeoutError {}

/** What `work` comes to, or `TimeoutError` when the deadline passes first. */
export function untilDeadline<T>(work: Promise<T>, deadline: number, clock: Clock, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const undo = clock.setTimer(() => reject(new LateError(`${what} not there in time; give the call a longer timeout.`)), Math.max(0, deadline - clock.monotonic()), { keepAlive: true });
    work.then(resolve, reject).finally(undo);
  });
}
