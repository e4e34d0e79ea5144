import { fromUtf8 } from '../../core/bytes.ts';
import { parseTolerant } from '../../core/lossless-json.ts';
import type { RemoteAnswer } from './remote-call.ts';
import type { RemoteFormat } from './remote-format.ts';
import { jsonBody, jsonOf } from './wire-json.ts';

/** The inference interface of TorchServe (`docs/inference_api.md`): a handler of the model's own reads the body and writes the answer. */
export function torchserveFormat(base: string, model: string, version: string | undefined): RemoteFormat {
  return {
    predictUrl: `${base}/predictions/${model}${version === undefined ? '' : `/${version}`}`,
    // The only place without a management port; it fails while a model lacks workers.
    readyUrl: `${base}/ping`,
    batches: false,
    encode: ([input]) => (input instanceof Uint8Array ? { bytes: new Uint8Array(input), headers: { 'content-type': 'application/octet-stream' } } : jsonBody(input)),
    decode: (answer) => [whateverOf(answer)],
  };
}

/** An endpoint that takes an input as JSON and answers with the output. */
export function jsonFormat(url: string, readyUrl: string | undefined): RemoteFormat {
  return { predictUrl: url, readyUrl, batches: false, encode: ([input]) => jsonBody(input), decode: (answer) => [jsonOf(answer)] };
}

/** JSON where it is some, else a text, else bytes: TorchServe says of few answers what they are. */
function whateverOf({ bytes }: RemoteAnswer): unknown {
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch {
    return bytes;
  }
  try {
    return parseTolerant(text);
  } catch {
    return text;
  }
}
