import { isModelkeepError } from '../../core/errors.ts';
import type { Prediction } from '../../serving/prediction.ts';
import type { ModelInputs } from './json-inputs.ts';
import { isDirect, type ServedDeployment } from './served-deployment.ts';
import { isHeaderText, servingHeaders, type ServingCall } from './serving-call.ts';

/** Which deployment is asked, and how. */
export interface PredictTarget {
  readonly call: ServingCall;
  readonly deployment: ServedDeployment;
  readonly options: ReturnType<ServingCall['predictOptions']>;
}

// More ids would make a header that no client takes.
const mostIds = 32;

/** Asks the model each input, some of them at once, and gives the answers in their order. When several fail it is the error of the first that is thrown; what was not begun by then is not. */
export async function runPredictions(target: PredictTarget, { inputs }: ModelInputs): Promise<Prediction[]> {
  const { call, options } = target;
  if (inputs.length === 1) return [await ask(target, inputs[0], options)];
  const predictions = new Array<Prediction>(inputs.length);
  const failures: { readonly at: number; readonly error: unknown }[] = [];
  let next = 0;
  const goOn = async (): Promise<void> => {
    while (next < inputs.length && failures.length === 0) {
      const at = next++;
      try {
        predictions[at] = await ask(target, inputs[at], options.id === undefined ? options : { ...options, id: `${options.id}.${at}` });
      } catch (error) {
        failures.push({ at, error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(call.service.limits.rowsAtOnce, inputs.length) }, goOn));
  const [first] = failures.sort((a, b) => a.at - b.at);
  if (first !== undefined) throw first.error;
  return predictions;
}

/** Asks the model one input, and counts what comes of it. */
async function ask({ call, deployment }: PredictTarget, input: unknown, options: PredictTarget['options']): Promise<Prediction> {
  const { request, service: { stats, clock } } = call;
  const began = clock.monotonic();
  try {
    const prediction = await (isDirect(deployment) ? deployment.predictFor(request, input, options) : deployment.predict(input, { ...options, signal: request.signal }));
    stats.succeeded(deployment.model, prediction, clock.now());
    return prediction;
  } catch (error) {
    countFailure(call, deployment, options.version, error, clock.monotonic() - began);
    throw error;
  }
}

/** A request that is at fault itself is no failure of a version. */
function countFailure({ service: { stats } }: ServingCall, deployment: ServedDeployment, asked: number | undefined, error: unknown, ms: number): void {
  if (isModelkeepError(error, 'validation', 'not-found', 'aborted')) return;
  const { stable, versions } = deployment.status();
  const version = asked ?? stable;
  if (version !== undefined && versions.some((each) => each.version === version)) stats.failed(deployment.model, version, ms);
}

/** What the headers of an answer say of where it comes from: the versions and reasons, each once, and the ids, where they are not too many. */
export function originHeaders(predictions: readonly Prediction[]): Record<string, string> {
  const { version, reason, ids } = originOf(predictions);
  return { [servingHeaders.version]: version, [servingHeaders.reason]: reason, ...(ids !== undefined && isHeaderIds(predictions) && { [servingHeaders.id]: ids }) };
}

/** Where answers come from, as texts; `ids` is absent where they are too many. */
export function originOf(predictions: readonly Prediction[]): { version: string; reason: string; ids: string | undefined } {
  const [first] = predictions;
  if (predictions.length === 1) return { version: String(first!.version), reason: first!.reason, ids: first!.id };
  return {
    version: [...new Set(predictions.map(({ version }) => version))].join(','),
    reason: [...new Set(predictions.map(({ reason }) => reason))].join(','),
    ids: predictions.length > mostIds ? undefined : predictions.map(({ id }) => id).join(','),
  };
}

function isHeaderIds(predictions: readonly Prediction[]): boolean {
  return predictions.every(({ id }) => isHeaderText(id));
}
