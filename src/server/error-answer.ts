import { canonicalJson } from '../core/codec.ts';
import { isModelkeepError, type ErrorCode, type ModelkeepError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { isDigest } from '../core/digest.ts';
import type { ErrorListener, Logger } from '../core/logger.ts';
import { reportFailure } from '../core/report-failure.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { WireError } from '../storage/http-protocol.ts';
import { jsonAnswer, type Answer } from './answer.ts';
import { Refusal } from './refusal.ts';

/** Errors whose messages are about what the caller asked for, and the status of each. All others are about the server, and are not told. */
const told: Partial<Record<ErrorCode, number>> = {
  validation: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  gate: 422,
  unsupported: 501,
};

const maxDetailsLength = 256 * 1024;

/** What the client is told when something failed, and what only the log is. */
export class ErrorAnswers {
  readonly #secrets: readonly string[];
  readonly #challenge: string;
  readonly #logger: Logger | undefined;
  readonly #onError: ErrorListener | undefined;

  constructor(storage: Pick<StorageAdapter, 'name'>, options: { challenge?: string | undefined; logger?: Logger | undefined; onError?: ErrorListener | undefined }) {
    const place = storage.name.slice(storage.name.indexOf(' ') + 1);
    // Names such as `memory` stand in many a harmless message; one with a place in it does not.
    this.#secrets = /[/\\:]/.test(place) ? [storage.name, place] : [];
    this.#challenge = options.challenge ?? 'Bearer realm="modelkeep"';
    this.#logger = options.logger;
    this.#onError = options.onError;
  }

  /** The answer to a request that failed. `subject` tells the log which one. */
  answer(error: unknown, subject: string): Answer {
    const { status, headers, wire } = this.#describe(error, subject);
    return jsonAnswer(wire, { status, headers: status === 401 ? { ...headers, 'www-authenticate': this.#challenge } : headers });
  }

  /** What a streamed answer ends with when it fails. */
  frame(error: unknown, subject: string): WireError {
    return this.#describe(error, subject).wire;
  }

  #describe(error: unknown, subject: string): { status: number; headers?: Readonly<Record<string, string>> | undefined; wire: WireError } {
    if (error instanceof Refusal) return { status: error.status, headers: error.headers, wire: wireError(error.code, error.message, error.details) };
    if (!isModelkeepError(error)) return this.#hidden(500, 'storage', 'The server failed to answer', error, subject);
    const status = told[error.code];
    if (status !== undefined && this.#mayBeTold(error)) {
      const tooLarge = error.code === 'validation' && typeof error.details['limit'] === 'number';
      return { status: tooLarge ? 413 : status, wire: wireError(error.code, error.message, plainDetails(error)) };
    }
    switch (error.code) {
      case 'integrity':
        return this.#hidden(500, 'integrity', `Stored data is damaged${placeOf(error)}`, error, subject);
      case 'storage-full':
        return this.#hidden(507, 'storage-full', 'No space is left in the store', error, subject);
      case 'timeout':
        return this.#hidden(504, 'timeout', 'The store took too long', error, subject);
      case 'aborted':
        return { status: 503, wire: wireError('aborted', 'The request was given up.') };
      case 'closed':
      case 'unavailable':
        return { ...this.#hidden(503, 'unavailable', 'The store cannot be reached now; try again later', error, subject), headers: { 'retry-after': '2' } };
      default:
        return this.#hidden(500, 'storage', 'The server failed to answer', error, subject);
    }
  }

  /** What the client gets is an id, by which whoever runs the server finds the rest. */
  #hidden(status: number, code: ErrorCode, message: string, error: unknown, subject: string): { status: number; wire: WireError } {
    const id = newId();
    reportFailure(error, { who: `The storage handler (error ${id}, ${subject})`, logger: this.#logger, onError: this.#onError });
    return { status, wire: wireError(code, `${message}; the server's log has the reason under ${id}.`, { id }) };
  }

  #mayBeTold(error: ModelkeepError): boolean {
    return this.#secrets.every((secret) => !error.message.includes(secret));
  }
}

function wireError(code: ErrorCode, message: string, details?: Readonly<Record<string, unknown>>): WireError {
  return { error: details === undefined ? { code, message } : { code, message, details } };
}

/** The facts of an error in the codec's form, which is JSON; what cannot be written so is left out. */
function plainDetails({ details }: ModelkeepError): Record<string, unknown> | undefined {
  if (Object.keys(details).length === 0) return undefined;
  try {
    const text = canonicalJson(details);
    return text.length > maxDetailsLength ? undefined : (JSON.parse(text) as Record<string, unknown>);
  } catch {
    return undefined;
  }
}

function placeOf({ details }: ModelkeepError): string {
  const key = details['key'];
  // Never more than the name of something that the client may have asked for.
  return typeof key === 'string' && (isDigest(key) || /^[a-z0-9._/-]+$/.test(key)) && !key.startsWith('/') ? ` at ${key}` : '';
}
