import { orStopped, throwIfAborted } from '../../core/abort.ts';
import { backoffMs } from '../../core/backoff.ts';
import { concatBytes } from '../../core/bytes.ts';
import { sleep } from '../../core/clock.ts';
import { AbortedError, ModelkeepError, TimeoutError, isModelkeepError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import { retryAfterMs } from '../../core/retry-after.ts';
import { sendRequest } from '../../core/send-request.ts';
import type { RemoteBody } from './remote-format.ts';
import type { RemoteSettings } from './remote-options.ts';

/** One request to a server. */
export interface RemoteCall {
  /** Who is asked what, as a message begins. */
  readonly what: string;
  readonly url: string;
  /** @default none: it is a GET */
  readonly body?: RemoteBody | undefined;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly attempts: number;
}

/** An answer with success. */
export interface RemoteAnswer {
  /** Who was asked what. */
  readonly what: string;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** Why an attempt failed, and whether the request was surely not done. */
class AttemptFailure extends Error {
  readonly error: ModelkeepError;
  readonly repeatable: boolean;
  readonly askedMs: number | undefined;

  constructor(error: ModelkeepError, repeatable: boolean, askedMs?: number) {
    super(error.message);
    this.error = error;
    this.repeatable = repeatable;
    this.askedMs = askedMs;
  }
}

const backoff = { initialMs: 50, maxMs: 5_000 };
// What an error has to say, it says at once.
const maxErrorBytes = 64 * 1024;
const maxErrorText = 500;

/**
 * Sends a request until it is answered with success. It is sent again only when it was surely not done, and only while the time for all attempts lasts. Throws `TimeoutError`, `AbortedError`, or `ModelkeepError` of code
 * `overloaded` (429), `unavailable` (no connection, 502, 503), `unauthorized`, `forbidden`, or `model-failed` for any other answer, with the server's own words.
 */
export async function callRemote(call: RemoteCall, settings: RemoteSettings): Promise<RemoteAnswer> {
  const { clock, random } = settings;
  const begun = clock.monotonic();
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(call.signal, call.what);
    const left = call.timeoutMs - (clock.monotonic() - begun);
    try {
      return await attemptTo(call, left, settings);
    } catch (failure) {
      if (!(failure instanceof AttemptFailure)) throw failure;
      const wait = Math.max(backoffMs(attempt, backoff, random), failure.askedMs ?? 0);
      const rest = call.timeoutMs - (clock.monotonic() - begun);
      if (!failure.repeatable || attempt >= call.attempts || wait >= rest) throw failure.error;
      await sleep(clock, wait, call.signal);
    }
  }
}

async function attemptTo({ what, url, body, signal, timeoutMs }: RemoteCall, leftMs: number, settings: RemoteSettings): Promise<RemoteAnswer> {
  const { clock, fetch, maxAnswerBytes } = settings;
  const controller = new AbortController();
  const undo = clock.setTimer(() => controller.abort(new TimeoutError(`${what} was not answered within ${timeoutMs} ms, all attempts together; look at the server, or raise options.timeout.`, { limitMs: timeoutMs })), Math.max(0, leftMs));
  const leave = (): void => controller.abort(isModelkeepError(signal.reason) ? signal.reason : new AbortedError(`${what} was aborted by its caller.`, { cause: signal.reason }));
  if (signal.aborted) leave();
  signal.addEventListener('abort', leave, { once: true });
  try {
    // A function for a token may wait for ever.
    const headers = await orStopped(headersOf(settings, body, what), controller.signal);
    // A redirection would carry the request where nobody meant it to go.
    const request = new Request(url, { method: body ? 'POST' : 'GET', headers, redirect: 'manual', signal: controller.signal, ...(body && { body: body.bytes }) });
    const response = await sendRequest(fetch, request);
    if (!response.ok) throw await refusalOf(response, what, clock.now());
    const { bytes, whole } = await readBody(response, maxAnswerBytes);
    if (!whole) throw new ModelkeepError('model-failed', `${what} has an answer of more than ${maxAnswerBytes} bytes; raise options.maxAnswerBytes if that is right.`, { url: placeOf(url) });
    return { what, headers: response.headers, bytes };
  } catch (error) {
    if (controller.signal.aborted) throw controller.signal.reason;
    if (error instanceof AttemptFailure || isModelkeepError(error)) throw error;
    throw lost(error, what, url);
  } finally {
    undo();
    signal.removeEventListener('abort', leave);
  }
}

async function headersOf({ headers, token }: RemoteSettings, body: RemoteBody | undefined, what: string): Promise<Headers> {
  try {
    const all = new Headers(typeof headers === 'function' ? await headers() : headers);
    const shown = typeof token === 'function' ? await token() : token;
    if (shown !== undefined) all.set('authorization', `Bearer ${shown}`);
    for (const [name, value] of Object.entries(body?.headers ?? {})) all.set(name, value);
    return all;
  } catch (cause) {
    // What it threw may show a secret.
    throw new ModelkeepError('unauthorized', `${what} was not sent: options.headers or options.token failed, or gave what no header can hold.`, { cause });
  }
}

/** The bytes of a body, or its beginning where it has more than so many. */
async function readBody(response: Response, maxBytes: number): Promise<{ readonly bytes: Uint8Array; readonly whole: boolean }> {
  if (response.body === null) return { bytes: new Uint8Array(), whole: true };
  const reader = response.body.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    parts.push(read.value);
    size += read.value.length;
    if (size <= maxBytes) continue;
    reader.cancel().catch(() => undefined);
    return { bytes: concatBytes(parts).subarray(0, maxBytes), whole: false };
  }
  return { bytes: parts.length === 1 ? parts[0]! : concatBytes(parts), whole: true };
}

/** The failure of a connection. */
function lost(error: unknown, what: string, url: string): AttemptFailure {
  const code = (error as { cause?: { code?: unknown } } | null)?.cause?.code;
  const why = typeof code === 'string' ? code : describeFailure(error).message;
  // Of these alone it is known that nothing was sent.
  const unsent = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'].includes(why);
  return new AttemptFailure(new ModelkeepError('unavailable', `${what} ${unsent ? 'did not reach' : 'lost the connection to'} the server (${why}).`, { url: placeOf(url), cause: error }), unsent);
}

/** The failure that an answer without success is. */
async function refusalOf(response: Response, what: string, now: number): Promise<AttemptFailure> {
  const { status, headers } = response;
  const askedMs = retryAfterMs(headers.get('retry-after'), now);
  const said = wordsOf((await readBody(response, maxErrorBytes).catch(() => undefined))?.bytes);
  const redirected = response.type === 'opaqueredirect' || (status >= 300 && status < 400);
  const message = `${what} was answered with ${redirected ? 'a redirect, which is not followed' : status}${said === '' ? '' : `: ${said}`}`;
  const code =
    status === 429 ? 'overloaded'
    : status === 502 || status === 503 ? 'unavailable'
    : status === 401 ? 'unauthorized'
    : status === 403 ? 'forbidden'
    : 'model-failed';
  const details = { status, url: placeOf(response.url), ...(askedMs !== undefined && { retryAfterMs: askedMs }) };
  const error = status === 408 || status === 504 ? new TimeoutError(message, details) : new ModelkeepError(code, message, details);
  return new AttemptFailure(error, status === 429 || status === 503, askedMs);
}

/** What a server says of an error: `{ "error": … }` of TensorFlow Serving and Open Inference, `{ "message": … }` of TorchServe, or the beginning of its text. */
function wordsOf(bytes: Uint8Array | undefined): string {
  if (bytes === undefined || bytes.length === 0) return '';
  // Its end may be cut off in the middle of a character.
  let text = new TextDecoder().decode(bytes);
  if (text.startsWith('\ufffd')) return `${bytes.length} bytes that are no text`;
  try {
    const { error, message, detail } = JSON.parse(text) as Record<string, unknown>;
    const words = [error, message, detail].find((each) => typeof each === 'string');
    if (typeof words === 'string') text = words;
  } catch {
    // Not JSON: the text itself.
  }
  return text.length > maxErrorText ? `${text.slice(0, maxErrorText)}…` : text;
}

/** A URL without its query, which may hold a secret. */
function placeOf(url: string): string {
  return url.split(/[?#]/)[0]!;
}
