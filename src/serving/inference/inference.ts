import { untilAborted } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import { TimeoutError } from '../../core/errors.ts';
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
  readonly clock: Clock;
}

/** Until when, and for whom, a prediction is made. */
export interface InferenceCall {
  readonly signal: AbortSignal | undefined;
  /** When the caller stops waiting, by the monotonic clock; absent when the limits of the model decide. */
  readonly deadline: number | undefined;
}

/** An answer, and whether it was kept from before, or made for an equal request. */
export interface RunAnswer<Output> extends ModelAnswer<Output> {
  readonly cached: boolean;
}

/** Asks one version: looks features up, holds the input to its signature, and runs it. */
export class Inference<Input, Output> {
  readonly #parts: InferenceParts<Input, Output>;

  constructor(parts: InferenceParts<Input, Output>) {
    this.#parts = parts;
  }

  /** What the model of a slot is to be asked. Throws `ValidationError` for what it does not take. */
  async prepare(slot: VersionSlot<Input, Output>, input: Input, call: InferenceCall): Promise<Input> {
    const { features } = this.#parts;
    const asked = features ? await this.#inTime(withFeatures(features, input, slot.facts!, call.signal), call) : input;
    const spec = this.#parts.checkInput ? slot.facts?.signature?.input : undefined;
    if (spec) checkData(spec, asked, 'input');
    return asked;
  }

  /** Runs a slot on what it is asked. */
  async run(slot: VersionSlot<Input, Output>, asked: Input, { signal, deadline }: InferenceCall): Promise<RunAnswer<Output>> {
    const { bytesOf, clock, responses } = this.#parts;
    const timeoutMs = deadline === undefined ? undefined : Math.max(0, deadline - clock.monotonic());
    const bytes = bytesOf?.(asked);
    if (responses === undefined) return { ...(await slot.runner.run(asked, { signal, timeoutMs, bytes })), cached: false };
    let ran: ModelAnswer<Output> | undefined;
    const compute = async (stop: AbortSignal): Promise<Output> => {
      ran = await slot.runner.run(asked, { signal: stop, timeoutMs, bytes });
      return ran.output;
    };
    const { output, cached } = await responses.answer({ version: slot.version, input: asked, signal, timeoutMs, compute });
    const { queueMs, computeMs, batchSize } = cached || ran === undefined ? notRun : ran;
    return { output, queueMs, computeMs, batchSize, cached };
  }

  #inTime<T>(work: Promise<T>, { signal, deadline }: InferenceCall): Promise<T> {
    if (deadline === undefined) return untilAborted(work, signal, 'The prediction');
    return untilAborted(untilDeadline(work, deadline, this.#parts.clock, 'The features of a prediction were'), signal, 'The prediction');
  }
}

/** What `work` comes to, or `TimeoutError` when the deadline passes first. */
export function untilDeadline<T>(work: Promise<T>, deadline: number, clock: Clock, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const undo = clock.setTimer(() => reject(new TimeoutError(`${what} not there in time; give the call a longer timeout.`)), Math.max(0, deadline - clock.monotonic()), { keepAlive: true });
    work.then(resolve, reject).finally(undo);
  });
}
