import { ModelkeepError } from '../../core/errors.ts';
import { findMismatch } from '../../core/signature/check-data.ts';
import type { DataSpec } from '../../core/signature/model-signature.ts';
import { isThenable } from '../../core/thenable.ts';
import type { Predictor } from '../predictor.ts';

/** A predictor whose outputs are held to a signature: an output of another kind fails its own request. */
export function checkedPredictor<Input, Output>(predictor: Predictor<Input, Output>, spec: DataSpec, name: string): Predictor<Input, Output> {
  const failureOf = (output: Output): ModelkeepError | undefined => {
    const mismatch = findMismatch(spec, output, 'output');
    return mismatch && new ModelkeepError('model-failed', `${name} gave what its signature does not allow: ${mismatch.path} ${mismatch.problem}.`, { path: mismatch.path });
  };
  const checked = (output: Output): Output => {
    const failure = failureOf(output);
    if (failure) throw failure;
    return output;
  };
  return {
    ...(predictor.predict && {
      predict(input, call) {
        const output = predictor.predict!(input, call);
        // What answers at once goes on doing so: nothing has to wait for it, and no timer to watch over that.
        return isThenable(output) ? Promise.resolve(output).then(checked) : checked(output);
      },
    }),
    ...(predictor.predictBatch && {
      async predictBatch(inputs, call) {
        const outputs = await predictor.predictBatch!(inputs, call);
        // How many there must be is for whoever runs it to check.
        return Array.isArray(outputs) ? outputs.map((output: Output | Error) => (output instanceof Error ? output : (failureOf(output) ?? output))) : outputs;
      },
    }),
  };
}
