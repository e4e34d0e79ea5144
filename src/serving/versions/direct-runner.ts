import type { Clock } from '../../core/clock.ts';
import { ModelkeepError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import type { Predictor } from '../predictor.ts';
import type { Runner } from './runner.ts';

/** Asks a predictor one input after the other as they come. */
export function directRunner<Input, Output>(name: string, predictor: Predictor<Input, Output>, clock: Clock): Runner<Input, Output> {
  let inFlight = 0;
  let done = (): void => undefined;
  return {
    async run(input, { signal = new AbortController().signal }) {
      const startedAt = clock.monotonic();
      inFlight++;
      try {
        const output = predictor.predict ? await predictor.predict(input, { signal }) : (await predictor.predictBatch!([input], { signal }))[0];
        if (output instanceof Error) throw output;
        return { output: output as Output, queueMs: 0, computeMs: clock.monotonic() - startedAt, batchSize: 1 };
      } catch (cause) {
        throw new ModelkeepError('model-failed', `${name} failed: ${describeFailure(cause).message}`, { cause });
      } finally {
        if (--inFlight === 0) done();
      }
    },
    get inFlight() {
      return inFlight;
    },
    queued: 0,
    drain: () => (inFlight === 0 ? Promise.resolve() : new Promise((resolve) => (done = resolve))),
  };
}
