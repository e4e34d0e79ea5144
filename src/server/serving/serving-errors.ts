import { newId } from '../../core/ids.ts';
import { isModelkeepError, type ErrorCode, type ModelkeepError } from '../../core/errors.ts';
import type { ErrorListener, Logger } from '../../core/logger.ts';
import { reportFailure } from '../../core/report-failure.ts';
import { jsonAnswer, type Answer } from '../answer.ts';
import { Refusal } from '../refusal.ts';

/** The form of the errors of a protocol: `message` is `{ "error": text }`, as TensorFlow Serving and the Open Inference Protocol have it. */
export type ErrorForm = 'message' | 'torchserve' | 'modelkeep';

/** Errors that are about what the caller asked for, and the status of each: as the map of TensorFlow Serving has them. All others are about the server, and their messages are not told. */
const told: Partial<Record<ErrorCode, number>> = {
  validation: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  gate: 422,
  overloaded: 429,
  unsupported: 501,
  timeout: 504,
};

const torchserveTypes: Readonly<Record<number, string>> = {
  400: 'BadRequestException',
  404: 'ModelNotFoundException',
  405: 'MethodNotAllowedException',
  429: 'ServiceUnavailableException',
  503: 'ServiceUnavailableException',
};

interface Told {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** What a client is told of a request that failed, and what only the log is. */
export class ServingErrors {
  readonly #challenge: string;
  readonly #logger: Logger | undefined;
  readonly #onError: ErrorListener | undefined;

  constructor({ challenge = 'Bearer realm="modelkeep"', logger, onError }: { challenge?: string | undefined; logger?: Logger | undefined; onError?: ErrorListener | undefined }) {
    this.#challenge = challenge;
    this.#logger = logger;
    this.#onError = onError;
  }

  /** The answer to a request that failed. `subject` tells the log which one. */
  answer(error: unknown, form: ErrorForm, subject: string): Answer {
    const { status, code, message, details, headers } = this.#describe(error, subject);
    return jsonAnswer(bodyOf(form, { status, code, message, details }), { status, headers: status === 401 ? { ...headers, 'www-authenticate': this.#challenge } : headers });
  }

  #describe(error: unknown, subject: string): Told {
    if (error instanceof Refusal) return error;
    if (!isModelkeepError(error)) return this.#hidden(500, 'model-failed', 'The server failed to answer', error, subject);
    const status = told[error.code];
    if (status !== undefined) return { status, code: error.code, message: error.message, details: placeOf(error), headers: status === 429 ? { 'retry-after': retryAfter(error) } : undefined };
    switch (error.code) {
      case 'aborted':
        return { status: 499, code: 'aborted', message: 'The request was given up.' };
      case 'model-failed':
        return this.#hidden(500, 'model-failed', 'The model failed', error, subject);
      case 'unavailable':
      case 'closed':
        return { ...this.#hidden(503, 'unavailable', 'The model cannot answer now; try again later', error, subject), headers: { 'retry-after': retryAfter(error) } };
      default:
        return this.#hidden(500, error.code, 'The server failed to answer', error, subject);
    }
  }

  /** What the client gets is an id, by which whoever runs the server finds the rest. */
  #hidden(status: number, code: ErrorCode, message: string, error: unknown, subject: string): Told {
    const id = newId();
    reportFailure(error, { who: `The serving handler (error ${id}, ${subject})`, logger: this.#logger, onError: this.#onError });
    return { status, code, message: `${message}; the server's log has the reason under ${id}.`, details: { id } };
  }
}

function bodyOf(form: ErrorForm, { status, code, message, details }: Told): object {
  switch (form) {
    case 'message':
      return { error: message };
    case 'torchserve':
      return { code: status, type: torchserveTypes[status] ?? (status < 500 ? 'BadRequestException' : 'InternalServerException'), message };
    case 'modelkeep':
      return { error: { code, message, ...(details && { details }) } };
  }
}

/** Where in the request something is wrong. */
function placeOf({ details }: ModelkeepError): Record<string, unknown> | undefined {
  return typeof details['path'] === 'string' ? { path: details['path'] } : undefined;
}

/** In whole seconds, as HTTP has it: at least one. */
function retryAfter({ details }: ModelkeepError): string {
  const ms = details['retryAfterMs'];
  return String(typeof ms === 'number' && ms > 0 ? Math.ceil(ms / 1000) : 1);
}
