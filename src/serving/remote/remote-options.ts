import * as z from 'zod/mini';
import { systemClock, type Clock } from '../../core/clock.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import { callable, clockOption } from '../../core/option-schemas.ts';
import { systemRandom, type Random } from '../../core/random.ts';
import { check } from '../../core/schema.ts';

/** What of a loaded version decides where its requests go; what `registry.load` gives has it. */
export interface RemoteVersion {
  /** The version as it is registered. */
  readonly version: RemoteVersionFacts;
}

/** Names a registered version. */
export interface RemoteVersionFacts {
  /** Name of the model. */
  readonly model: string;
  /** Its number. */
  readonly version: number;
}

/** Headers of a request, or what makes them for each attempt. */
export type RemoteHeaders = Readonly<Record<string, string>> | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

/** Where requests of a remote model go, and how. */
export interface RemoteModelOptions<Input = unknown, Output = unknown> {
  /** The server, such as `http://tf-serving:8501`, or where each version's is; with the format `json`, what answers itself. */
  readonly url: string | ((version: RemoteVersionFacts) => string);
  /**
   * What the server speaks:
   *
   * - `tensorflow`: the REST interface of TensorFlow Serving, `POST …/v1/models/{model}/versions/{version}:predict`.
   * - `open-inference`: version 2 of the Open Inference Protocol (KServe, Triton, MLServer), `POST …/v2/models/{model}/versions/{version}/infer`. Inputs and outputs are tensors by name.
   * - `torchserve`: `POST …/predictions/{model}/{version}`, with JSON, or with bytes as they are.
   * - `json`: the input is posted to the URL as JSON, and the answer is the output.
   */
  readonly format: 'tensorflow' | 'open-inference' | 'torchserve' | 'json';
  /** The name of the model on the server. @default as it is registered */
  readonly model?: string | undefined;
  /** What the version is called on the server; `undefined` for a server that is asked for none. @default its number */
  readonly versionOf?: ((version: RemoteVersionFacts) => string | number | undefined) | undefined;
  /** With `tensorflow`: rows go together in one request as `instances`, or each input is sent alone, its tensors by name, as `inputs`. @default 'rows' */
  readonly layout?: 'rows' | 'columns' | undefined;
  /** With `tensorflow`: the name of the signature. @default the server's own default */
  readonly signatureName?: string | undefined;
  /** With `open-inference`: tensors are sent and asked for as bytes, which needs a server with the extension `binary_tensor_data`. @default false */
  readonly binary?: boolean | undefined;
  /** Where a version says by success that it is ready, with `json`; the other formats have a place of their own. @default a version is taken to be ready */
  readonly readyUrl?: string | ((version: RemoteVersionFacts) => string) | undefined;
  /** Makes of an input what is sent. @default the input itself */
  readonly input?: ((input: Input) => unknown) | undefined;
  /** Makes an output of what was answered. @default the answer itself */
  readonly output?: ((answer: unknown) => Output) | undefined;
  /** Further headers. A function is asked for each attempt. @default none */
  readonly headers?: RemoteHeaders | undefined;
  /** Sent as `Authorization: Bearer …`. A function is asked for each attempt. @default nothing is sent */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** How long a prediction may take with all its attempts. @default '30s' */
  readonly timeout?: Duration | undefined;
  /** How long a version may take until it is ready. @default '2m' */
  readonly readyWithin?: Duration | undefined;
  /** Attempts in all. Only what was surely not done is tried again: the connection was refused, or the answer was 429 or 503. @default 3 */
  readonly attempts?: number | undefined;
  /** The largest answer that is read, in bytes. @default 64 MiB */
  readonly maxAnswerBytes?: number | undefined;
  /** Sends a request, as `fetch` does. @default the host's, looked up at each request */
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined;
  /** @default the host's */
  readonly clock?: Clock | undefined;
  /** Spreads the waits between attempts. @default the host's */
  readonly random?: Random | undefined;
}

/** The options with their defaults. */
export interface RemoteSettings {
  readonly urlOf: (version: RemoteVersionFacts) => string;
  readonly readyUrlOf: ((version: RemoteVersionFacts) => string) | undefined;
  readonly format: RemoteModelOptions['format'];
  readonly model: string | undefined;
  readonly versionOf: (version: RemoteVersionFacts) => string | number | undefined;
  readonly layout: 'rows' | 'columns';
  readonly signatureName: string | undefined;
  readonly binary: boolean;
  readonly headers: RemoteHeaders;
  readonly token: RemoteModelOptions['token'];
  readonly timeoutMs: number;
  readonly readyWithinMs: number;
  readonly attempts: number;
  readonly maxAnswerBytes: number;
  readonly fetch: (request: Request) => Promise<Response>;
  readonly clock: Clock;
  readonly random: Random;
}

const text = z.string().check(z.minLength(1));
const place = z.union([text, callable<(version: RemoteVersionFacts) => string>()]);
const duration = z.optional(z.custom<Duration>());
const count = z.optional(z.int().check(z.minimum(1)));

const schema = z.strictObject({
  url: place,
  format: z.enum(['tensorflow', 'open-inference', 'torchserve', 'json']),
  model: z.optional(text),
  versionOf: z.optional(callable<NonNullable<RemoteModelOptions['versionOf']>>()),
  layout: z.optional(z.enum(['rows', 'columns'])),
  signatureName: z.optional(text),
  binary: z.optional(z.boolean()),
  readyUrl: z.optional(place),
  input: z.optional(callable()),
  output: z.optional(callable()),
  headers: z.optional(z.union([z.record(z.string(), z.string()), callable<() => Readonly<Record<string, string>>>()])),
  token: z.optional(z.union([text, callable<() => string>()])),
  timeout: duration,
  readyWithin: duration,
  attempts: count,
  maxAnswerBytes: count,
  fetch: z.optional(callable<NonNullable<RemoteModelOptions['fetch']>>()),
  clock: clockOption,
  random: z.optional(callable<Random>()),
});

/** Which options only some formats have. */
const ownOptions = { layout: 'tensorflow', signatureName: 'tensorflow', binary: 'open-inference', readyUrl: 'json' } as const;

/** Checks where requests go, and how. Throws `ValidationError`. */
export function checkRemoteModel(options: RemoteModelOptions<never, unknown>): RemoteSettings {
  check(schema, options, 'options');
  const { url, format, model, versionOf = ({ version }) => version, layout = 'rows', signatureName, binary = false, readyUrl, headers = {}, token, timeout = '30s', readyWithin = '2m' } = options;
  for (const [name, owner] of Object.entries(ownOptions)) {
    if (options[name as keyof typeof ownOptions] !== undefined && format !== owner) throw new ValidationError(`options.${name} is for the format '${owner}'; the format is '${format}'.`, { path: `options.${name}` });
  }
  if (typeof url === 'string') checkUrl(url, 'options.url');
  if (typeof readyUrl === 'string') checkUrl(readyUrl, 'options.readyUrl');
  const { attempts = 3, maxAnswerBytes = 64 * 2 ** 20, fetch = (request) => globalThis.fetch(request), clock = systemClock, random = systemRandom } = options;
  return {
    urlOf: (version) => (typeof url === 'string' ? url : checkUrl(url(version), 'options.url()')),
    readyUrlOf: readyUrl === undefined ? undefined : (version) => (typeof readyUrl === 'string' ? readyUrl : checkUrl(readyUrl(version), 'options.readyUrl()')),
    format, model, versionOf, layout, signatureName, binary, headers, token, attempts, maxAnswerBytes, fetch, clock, random,
    timeoutMs: durationMs(timeout, 'options.timeout'),
    readyWithinMs: durationMs(readyWithin, 'options.readyWithin'),
  };
}

// A URL may hold a secret, so that no message shows it.
function checkUrl(url: string, path: string): string {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
  const problem =
    parsed === undefined ? "must be an absolute URL, such as 'http://tf-serving:8501'"
    : parsed.protocol !== 'http:' && parsed.protocol !== 'https:' ? 'must begin with http: or https:'
    : parsed.username !== '' || parsed.password !== '' ? 'must hold no name and password; give them as options.token or options.headers'
    : undefined;
  if (problem === undefined) return url;
  throw new ValidationError(`${path} ${problem}.`, { path });
}
