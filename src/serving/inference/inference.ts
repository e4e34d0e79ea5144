import { untilAborted } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import { TimeoutError } from '../../core/errors.ts';
import { checkData } from '../../core/signature/check-data.ts';
import type { ModelAnswer } from '../execution/model-request.ts';
import type { VersionSlot } from '../versions/version-slot.ts';
import { withFeatures, type FeatureLookupOptions } from './feature-lookup.ts';

/** What every prediction of a deployment is made with. */
export interface InferenceParts<Input> {
  readonly features: FeatureLookupOptions<Input> | undefined;
  readonly checkInput: boolean;
  readonly bytesOf: ((input: Input) => number) | undefined;
  readonly clock: Clock;
}

/** Until when, and for whom, a prediction is made. */
export interface InferenceCall {
  readonly signal: AbortSignal | undefined;
  /** When the caller stops waiting, by the monotonic clock; absent when the limits of the model decide. */
  readonly deadline: number | undefined;
}

/** Asks one version: looks features up, holds the input to its signature, and runs it. */
export class Inference<Input, Output> {
  readonly #parts: InferenceParts<Input>;

  constructor(parts: InferenceParts<Input>) {
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
  run(slot: VersionSlot<Input, Output>, asked: Input, { signal, deadline }: InferenceCall): Promise<ModelAnswer<Output>> {
    const { bytesOf, clock } = this.#parts;
    return slot.runner.run(asked, { signal, timeoutMs: deadline === undefined ? undefined : Math.max(0, deadline - clock.monotonic()), bytes: bytesOf?.(asked) });
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
