import { backoffMs } from '../../core/backoff.ts';
import { sleep } from '../../core/clock.ts';
import { ModelkeepError, isModelkeepError } from '../../core/errors.ts';
import type { PredictCall, Predictor } from '../predictor.ts';
import { openInferenceFormat } from './open-inference-format.ts';
import { jsonFormat, torchserveFormat } from './plain-formats.ts';
import { callRemote, type RemoteCall } from './remote-call.ts';
import type { RemoteFormat } from './remote-format.ts';
import { checkRemoteModel, type RemoteModelOptions, type RemoteSettings, type RemoteVersion, type RemoteVersionFacts } from './remote-options.ts';
import { tensorflowFormat } from './tensorflow-format.ts';

/** Forwards what a deployment is asked to a server; what `remoteModel` gives for each version. */
export type RemoteLoad<Input, Output> = (version: RemoteVersion, call: { readonly signal: AbortSignal }) => Predictor<Input, Output>;

/**
 * The `load` of a deployment whose models are on servers that others run: TensorFlow Serving, a server of the Open Inference Protocol, TorchServe, or any that answers JSON with JSON. Versions, rollouts, experiments and
 * monitoring work in front of them as for models in memory. A version is ready when the server says so. Throws `ValidationError` for wrong options.
 *
 * A request is sent again only when it was surely not done (the connection was refused; 429; 503), as long as its time lasts and no sooner than `Retry-After` asks. It fails with `overloaded` (429), `unavailable` (no
 * connection, 502, 503), `TimeoutError` (its time was up, 408, 504), or `model-failed` for any other answer: also for 400, since a version that refuses what the one before took has failed.
 *
 * NaN, infinities and integers of 64 bits pass unharmed in both directions.
 *
 * @example
 * ```ts
 * import { remoteModel } from 'modelkeep/http';
 *
 * const load = remoteModel<number[], number>({
 *   url: 'http://tf-serving:8501',
 *   format: 'tensorflow',
 *   fetch: async (request) => Response.json(request.method === 'GET' ? { model_version_status: [{ state: 'AVAILABLE' }] } : { predictions: [0.25] }),
 * });
 * const { signal } = new AbortController();
 * const predictor = load({ version: { model: 'flight-delay', version: 3 } }, { signal });
 * console.log(await predictor.predict?.([400, 2], { signal })); // 0.25
 * ```
 */
export function remoteModel<Input = unknown, Output = unknown>(options: RemoteModelOptions<Input, Output>): RemoteLoad<Input, Output> {
  const settings = checkRemoteModel(options);
  const { input: toWire = (input) => input, output: ofWire = (answer) => answer as Output } = options;
  return ({ version }) => {
    const format = formatOf(settings, version);
    const name = `${version.model}@${version.version}`;
    const ask = async (inputs: readonly Input[], { signal }: PredictCall): Promise<readonly Output[]> => {
      const body = format.encode(inputs.map((input) => toWire(input)));
      const call: RemoteCall = { what: `The request for ${name} to ${hostOf(format.predictUrl)}`, url: format.predictUrl, body, signal, timeoutMs: settings.timeoutMs, attempts: settings.attempts };
      return format.decode(await callRemote(call, settings), inputs.length).map((answer) => ofWire(answer));
    };
    return {
      // What holds the memory is elsewhere.
      bytes: 0,
      predict: async (input, call) => (await ask([input], call))[0]!,
      ...(format.batches && { predictBatch: ask }),
      warmUp: ({ signal }) => untilReady(format, name, signal, settings),
    };
  };
}

function formatOf(settings: RemoteSettings, facts: RemoteVersionFacts): RemoteFormat {
  const url = settings.urlOf(facts);
  const base = url.replace(/\/+$/, '');
  const model = encodeURIComponent(settings.model ?? facts.model);
  const asked = settings.versionOf(facts);
  const version = asked === undefined ? undefined : encodeURIComponent(asked);
  switch (settings.format) {
    case 'tensorflow':
      return tensorflowFormat({ base, model, version, layout: settings.layout, signatureName: settings.signatureName });
    case 'open-inference':
      return openInferenceFormat({ base, model, version, binary: settings.binary });
    case 'torchserve':
      return torchserveFormat(base, model, version);
    case 'json':
      return jsonFormat(url, settings.readyUrlOf?.(facts));
  }
}

const lookAgain = { initialMs: 100, maxMs: 5_000 };

/** Resolves when the server says that the version is ready. Throws `ModelkeepError` of code `unavailable` with its last words when that takes too long. */
async function untilReady(format: RemoteFormat, name: string, signal: AbortSignal, settings: RemoteSettings): Promise<void> {
  if (format.readyUrl === undefined) return;
  const { clock, random, readyWithinMs, timeoutMs } = settings;
  const begun = clock.monotonic();
  for (let look = 1; ; look++) {
    const left = readyWithinMs - (clock.monotonic() - begun);
    const why = await notReady({ what: `The question whether ${name} is ready to ${hostOf(format.readyUrl)}`, url: format.readyUrl, signal, timeoutMs: Math.min(timeoutMs, Math.max(1, left)), attempts: 1 }, format, settings);
    if (why === undefined) return;
    const wait = backoffMs(look, lookAgain, random);
    if (clock.monotonic() - begun + wait >= readyWithinMs) throw new ModelkeepError('unavailable', `${name} did not become ready within ${readyWithinMs} ms on ${hostOf(format.readyUrl)}: ${why}`, { key: name });
    await sleep(clock, wait, signal);
  }
}

/** Why a version is not ready; `undefined` when it is. */
async function notReady(call: RemoteCall, format: RemoteFormat, settings: RemoteSettings): Promise<string | undefined> {
  try {
    const answer = await callRemote(call, settings);
    return format.notReady?.(answer);
  } catch (error) {
    // It would not become better by waiting.
    const mayPass = !call.signal.aborted && isModelkeepError(error, 'unavailable', 'overloaded', 'timeout', 'model-failed');
    if (!mayPass) throw error;
    return error.message;
  }
}

/** The server for messages: what is behind it may hold a secret. */
function hostOf(url: string): string {
  return new URL(url).host;
}
