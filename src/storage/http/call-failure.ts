import { decode } from '../../core/codec.ts';
import {
  ConflictError,
  GateError,
  IntegrityError,
  ModelkeepError,
  NotFoundError,
  StorageError,
  TimeoutError,
  UnsupportedError,
  ValidationError,
  isModelkeepError,
  type ErrorDetails,
  type StorageErrorCode,
} from '../../core/errors.ts';
import type { WireError } from '../http-protocol.ts';

/** Why an attempt failed, and whether another one may do better. */
export class CallFailure extends Error {
  /** What the caller gets when there is no further attempt. */
  readonly error: Error;
  readonly status: number | undefined;
  /** Whether a further attempt is worth it. */
  readonly passing: boolean;
  /** `Retry-After`, as it was sent. */
  readonly retryAfter: string | null;

  constructor(error: Error, { status, passing, retryAfter = null }: { status?: number | undefined; passing: boolean; retryAfter?: string | null | undefined }) {
    super(error.message);
    this.error = error;
    this.status = status;
    this.passing = passing;
    this.retryAfter = retryAfter;
  }
}

/** Answers of servers and proxies that may be others a moment later. */
const passingStatuses: readonly number[] = [408, 425, 429, 500, 502, 503, 504];

/** The failure that an answer reports. `body` is what could be read of it, `place` the request for messages. */
export function failureOfAnswer(response: Response, body: Uint8Array, place: string): CallFailure {
  const { status } = response;
  const wire = parseWireError(body);
  const passing = passingStatuses.includes(status) && wire?.code !== 'integrity';
  const error = wire ? errorOfWire(wire, `${place} answered ${status}`) : foreignAnswer(response, place);
  return new CallFailure(error, { status, passing, retryAfter: response.headers.get('retry-after') });
}

/** The failure that ends a sequence of frames. */
export function failureOfFrame({ error }: WireError, place: string): CallFailure {
  const told = errorOfWire(error, `${place} broke off`);
  return new CallFailure(told, { passing: ['storage', 'unavailable', 'timeout'].includes(told.code) });
}

/** What to say of an answer that no handler of ours gave: of a proxy, a login page, another server. */
export function foreignAnswer({ status, type, headers }: Response, place: string): Error {
  const redirected = type === 'opaqueredirect' || (status >= 300 && status < 400);
  const what = redirected ? `answered with a redirect${placeOfRedirect(headers)}` : `answered ${status} with ${headers.get('content-type')?.split(';')[0] || 'nothing'}`;
  const text = `${place} ${what}, which is not an answer of a modelkeep server`;
  const details: ErrorDetails = { status };
  if (status === 401) return new StorageError('unauthorized', `${text}: something before it wants to know who calls. Give a valid token.`, details);
  if (status === 403) return new StorageError('forbidden', `${text}: something before it refuses the caller.`, details);
  if (status === 413) return new ValidationError(`${text}: something before it takes no request that large.`, { ...details, limit: undefined });
  if (passingStatuses.includes(status)) return new StorageError('unavailable', `${text}: it cannot be reached now; try again later.`, details);
  return new StorageError('unavailable', `${text}: check the base URL, and whether a proxy or a login page stands before it.`, details);
}

function placeOfRedirect(headers: Headers): string {
  const location = headers.get('location')?.split(/[?#]/)[0];
  return location ? ` to ${location.replace(/\/\/[^/@]*@/, '//').slice(0, 200)}` : '';
}

/** Whether a server said that there is no such record or blob: a server that has nothing at all at this address says something else. */
export function saysAbsent(error: unknown, key: string): boolean {
  return isModelkeepError(error, 'not-found') && error.details['key'] === key;
}

function parseWireError(body: Uint8Array): WireError['error'] | undefined {
  try {
    const error = (decode(body, 'answer') as Partial<WireError> | null)?.error;
    return typeof error?.code === 'string' && typeof error.message === 'string' ? error : undefined;
  } catch {
    return undefined;
  }
}

const classes: Partial<Record<string, new (message: string, details?: ErrorDetails) => ModelkeepError>> = {
  validation: ValidationError,
  'not-found': NotFoundError,
  conflict: ConflictError,
  integrity: IntegrityError,
  gate: GateError,
  timeout: TimeoutError,
  unsupported: UnsupportedError,
};

const storageCodes: readonly string[] = ['storage', 'storage-full', 'unknown-store-version', 'not-a-store', 'unauthorized', 'forbidden', 'unavailable'] satisfies StorageErrorCode[];

/** The error of ours that a server's is. That its store was closed, or that it gave up, is no news of this instance or its caller: the store cannot be reached. */
function errorOfWire({ code, message, details }: WireError['error'], place: string): ModelkeepError {
  const facts: ErrorDetails = typeof details === 'object' && details !== null ? { ...details } : {};
  const Known = Object.hasOwn(classes, code) ? classes[code] : undefined;
  if (Known) return new Known(message, facts);
  if (storageCodes.includes(code)) return new StorageError(code as StorageErrorCode, message, facts);
  if (code === 'closed' || code === 'aborted') return new StorageError('unavailable', `${place}: ${message}`, facts);
  return new StorageError('storage', `${place}: ${message}`, { ...facts, code });
}
