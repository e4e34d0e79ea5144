import { shown } from '../../core/shown.ts';
import { noAnswer, jsonBody, jsonOf, plainValue, tensorflowValue } from './wire-json.ts';
import type { RemoteFormat } from './remote-format.ts';

interface VersionState {
  readonly state?: unknown;
  readonly status?: { readonly error_message?: unknown } | undefined;
}

/** How TensorFlow Serving is asked. */
export interface TensorflowTerms {
  readonly base: string;
  readonly model: string;
  readonly version: string | undefined;
  readonly layout: 'rows' | 'columns';
  readonly signatureName: string | undefined;
}

/** The REST interface of TensorFlow Serving (`tensorflow_serving/g3doc/api_rest.md`). */
export function tensorflowFormat({ base, model, version, layout, signatureName }: TensorflowTerms): RemoteFormat {
  const readyUrl = `${base}/v1/models/${model}${version === undefined ? '' : `/versions/${version}`}`;
  const signature = signatureName === undefined ? {} : { signature_name: signatureName };
  const rows = layout === 'rows';
  return {
    predictUrl: `${readyUrl}:predict`,
    readyUrl,
    batches: rows,
    encode: (inputs) => jsonBody({ ...signature, ...(rows ? { instances: inputs.map(tensorflowValue) } : { inputs: tensorflowValue(inputs[0]) }) }),
    decode(answer, count) {
      const { predictions, outputs } = (jsonOf(answer) ?? {}) as { readonly predictions?: unknown; readonly outputs?: unknown };
      if (!rows) {
        if (outputs === undefined) throw noAnswer(answer.what, 'has no outputs');
        return [plainValue(outputs)];
      }
      if (!Array.isArray(predictions)) throw noAnswer(answer.what, 'has no list of predictions');
      if (predictions.length !== count) throw noAnswer(answer.what, `has ${predictions.length} predictions for ${count} ${count === 1 ? 'row' : 'rows'}`);
      return predictions.map(plainValue);
    },
    notReady(answer) {
      const states = (jsonOf(answer) as { readonly model_version_status?: readonly VersionState[] } | null)?.model_version_status;
      const [first] = Array.isArray(states) ? (states as readonly VersionState[]) : [];
      if (first === undefined) return 'the server tells no state';
      if (states!.some(({ state }) => state === 'AVAILABLE')) return undefined;
      return `its state is ${shown(first.state)}, ${shown(first.status?.error_message)}`;
    },
  };
}
