import { throwIfAborted } from '../abort.ts';
import { backoffMs } from '../backoff.ts';
import { sleep } from '../clock.ts';
import { ModelkeepError, type ErrorDetails } from '../errors.ts';
import { describeFailure } from '../failure.ts';
import { retryAfterMs } from '../retry-after.ts';
import { sendRequest } from '../send-request.ts';
import type { DeliverySettings } from './delivery-options.ts';

// What a receiver asks for beyond it is a sign that it will not come back for this message.
const longestAskedMs = 3_600_000;

/** One request that a receiver is to take. */
export interface Message {
  /** What it is, as the start of a sentence. */
  readonly what: string;
  /** What whoever is told that it was not taken knows it by. */
  readonly details: ErrorDetails;
  /** JSON. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** What an attempt that is made now has as its headers, beside those of the settings. */
  readonly headers?: ((now: number) => Promise<Readonly<Record<string, string>>>) | undefined;
}

/** Why an attempt failed, and whether a further one may help. */
interface Failure {
  readonly why: string;
  readonly status?: number | undefined;
  readonly passing: boolean;
  readonly askedMs?: number | undefined;
}

/** Posts a message until it is taken. Throws `ModelkeepError` of code `unavailable` when it was given up, `AbortedError` when a signal fired: `signal` ends an attempt too, `last` lets the present one end and is for no further one. */
export async function sendMessage(message: Message, settings: DeliverySettings, signal: AbortSignal, last: AbortSignal = signal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(last, message.what);
    const failure = await attemptTo(message, settings, signal);
    if (failure === undefined) return;
    throwIfAborted(last, message.what);
    if (!failure.passing || attempt >= settings.attempts) throw givenUp(message, failure, attempt);
    const wait = backoffMs(attempt, settings, settings.random);
    await sleep(settings.clock, Math.min(Math.max(wait, failure.askedMs ?? 0), Math.max(longestAskedMs, settings.maxMs)), last);
  }
}

/** One attempt; `undefined` when the message was taken. */
async function attemptTo({ body, headers: own }: Message, settings: DeliverySettings, signal: AbortSignal): Promise<Failure | undefined> {
  const { url, headers, fetch, clock, timeoutMs } = settings;
  const ours = { 'content-type': 'application/json', ...(await own?.(clock.now())) };
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const undo = clock.setTimer(abort, timeoutMs, { keepAlive: true });
  // It may have fired while the headers were made.
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    // A redirection would carry the message where nobody meant it to go.
    const response = await sendRequest(fetch, new Request(url, { method: 'POST', headers: { ...headers, ...ours }, body, redirect: 'manual', signal: controller.signal }));
    const { ok, status } = response;
    const asked = response.headers.get('retry-after');
    // The answer is its status; what else it says is not waited for.
    response.body?.cancel().catch(() => undefined);
    if (ok) return undefined;
    return { why: status === 0 ? 'it was redirected' : `the answer was ${status}`, status, passing: isPassing(status), askedMs: retryAfterMs(asked, clock.now()) };
  } catch (error) {
    const late = controller.signal.aborted && !signal.aborted;
    return { why: late ? `there was no answer within ${timeoutMs} ms` : reasonOf(error), passing: true };
  } finally {
    undo();
    signal.removeEventListener('abort', abort);
  }
}

/** Hosts say that fetch failed, and why in the cause. */
function reasonOf(error: unknown): string {
  const cause = (error as { cause?: unknown } | null)?.cause;
  return cause instanceof Error ? `${describeFailure(error).message} (${describeFailure(cause).code ?? describeFailure(cause).message})` : describeFailure(error).message;
}

/** Too late, too early, too many requests, and whatever is the receiver's own trouble. */
function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

function givenUp({ what, details }: Message, { why, status }: Failure, attempts: number): ModelkeepError {
  return new ModelkeepError('unavailable', `${what} was not delivered, after ${attempts === 1 ? 'one attempt' : `${attempts} attempts`}: ${why}.`, {
    ...details,
    attempts,
    ...(status !== undefined && { status }),
  });
}
