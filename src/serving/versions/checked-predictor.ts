import { ModelkeepError } from '../../core/errors.ts';
import { findMismatch } from '../../core/signature/check-data.ts';
import type { DataSpec } from '../../core/signature/model-signature.ts';
import type { Predictor } from '../predictor.ts';

/** A predictor whose outputs are held to a signature: an output of another kind fails its own request. */
export function checkedPredictor<Input, Output>(predictor: Predictor<Input, Output>, spec: DataSpec, name: string): Predictor<Input, Output> {
  const failureOf = (output: Output): ModelkeepError | undefined => {
    const mismatch = findMismatch(spec, output, 'output');
    return mismatch && new ModelkeepError('model-failed', `${name} gave what its signature does not allow: ${mismatch.path} ${mismatch.problem}.`, { path: mismatch.path });
  };
  return {
    ...(predictor.predict && {
      async predict(input, call) {
        const output = await predictor.predict!(input, call);
        const failure = failureOf(output);
        if (failure) throw failure;
        return output;
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
