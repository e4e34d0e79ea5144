import { throwIfAborted } from '../../core/abort.ts';
import type { AuditEvent } from '../../core/audit.ts';
import { backoffMs } from '../../core/backoff.ts';
import { utf8 } from '../../core/bytes.ts';
import { sleep } from '../../core/clock.ts';
import { ModelkeepError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import { retryAfterMs } from '../../core/retry-after.ts';
import { sendRequest } from '../../core/send-request.ts';
import type { WebhookKeys } from './webhook-keys.ts';
import type { WebhookSettings } from './webhook-options.ts';

// What a receiver asks for beyond it is a sign that it will not come back for this event.
const longestAskedMs = 3_600_000;

/** Why an attempt failed, and whether a further one may help. */
interface Failure {
  readonly why: string;
  readonly status?: number | undefined;
  readonly passing: boolean;
  readonly askedMs?: number | undefined;
}

/** Sends an event until it is taken. Throws `ModelkeepError` of code `unavailable` when it was given up, `AbortedError` when a signal fired: `signal` ends an attempt too, `last` lets the present one end and is for no further one. */
export async function deliver(event: AuditEvent, settings: WebhookSettings, keys: WebhookKeys, signal: AbortSignal, last: AbortSignal = signal): Promise<void> {
  const body = bodyOf(event);
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(last, 'The webhook');
    const failure = await attemptTo(event.id, body, settings, keys, signal);
    if (failure === undefined) return;
    throwIfAborted(last, 'The webhook');
    if (!failure.passing || attempt >= settings.attempts) throw givenUp(event, failure, attempt);
    const wait = backoffMs(attempt, settings, settings.random);
    await sleep(settings.clock, Math.min(Math.max(wait, failure.askedMs ?? 0), Math.max(longestAskedMs, settings.maxMs)), last);
  }
}

/** One attempt; `undefined` when the event was taken. Each has a timestamp of its own, and all have the id of the event. */
async function attemptTo(id: string, body: Uint8Array<ArrayBuffer>, settings: WebhookSettings, keys: WebhookKeys, signal: AbortSignal): Promise<Failure | undefined> {
  const { url, headers, fetch, clock, timeoutMs } = settings;
  const timestamp = String(Math.floor(clock.now() / 1000));
  const signature = await keys.sign({ id, timestamp, body });
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const undo = clock.setTimer(abort, timeoutMs, { keepAlive: true });
  // It may have fired while the body was signed.
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const ours = { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
    // A redirection would carry the event where nobody meant it to go.
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

function givenUp({ id, type }: AuditEvent, { why, status }: Failure, attempts: number): ModelkeepError {
  return new ModelkeepError('unavailable', `Event ${id} (${type}) was not delivered, after ${attempts === 1 ? 'one attempt' : `${attempts} attempts`}: ${why}.`, {
    event: id,
    type,
    attempts,
    ...(status !== undefined && { status }),
  });
}

/** The event as JSON, with its time in words as Standard Webhooks have it; numbers that JSON lacks are texts. */
function bodyOf(event: AuditEvent): Uint8Array<ArrayBuffer> {
  const plain = (_: string, value: unknown): unknown => ((typeof value === 'number' && !Number.isFinite(value)) || typeof value === 'bigint' ? String(value) : value);
  return utf8(JSON.stringify({ ...event, timestamp: new Date(event.at).toISOString() }, plain));
}
