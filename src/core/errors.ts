/** Stable codes: what callers match on. A code never changes its meaning; new ones may be added. */
export type ErrorCode =
  | 'validation'
  | 'not-found'
  | 'conflict'
  | 'integrity'
  | 'storage'
  | 'storage-full'
  | 'unknown-store-version'
  | 'not-a-store'
  | 'closed'
  | 'unauthorized'
  | 'forbidden'
  | 'unavailable'
  | 'gate'
  | 'timeout'
  | 'aborted'
  | 'unsupported'
  | 'pipeline-failed'
  | 'gate-failed'
  | 'rejected'
  | 'expired'
  | 'command-failed'
  | 'worker-failed'
  | 'overloaded'
  | 'model-failed';

/** What an error may say besides its message: the thing it is about, as data. */
export interface ErrorDetails {
  /** The underlying failure. */
  cause?: unknown;
  /** The storage key, file or field concerned. */
  key?: string;
  /** Path of the offending value inside the input, such as `rows[3].date`. */
  path?: string;
  /** Further facts about the failure, as plain data. */
  [field: string]: unknown;
}

// Registered, so that every copy of the package finds the same one; `instanceof` would not.
const brand = /* @__PURE__ */ Symbol.for('modelkeep.error');

/**
 * The base of every error that modelkeep throws. `code` is stable and meant for programs; `message` says what was wrong, where, and what to do.
 *
 * Recognise it with {@link isModelkeepError}, which works when several copies of the package are loaded.
 *
 * @example
 * ```ts
 * import { ModelkeepError, isModelkeepError } from 'modelkeep';
 *
 * const error = new ModelkeepError('storage', 'The disk answered EIO while writing runs/1; retry or check the disk.', { key: 'runs/1' });
 * console.log(isModelkeepError(error), error.code, error.details.key);
 * ```
 */
export class ModelkeepError extends Error {
  override name = 'ModelkeepError';
  /** Stable code for programs. */
  readonly code: ErrorCode;
  /** The facts behind the message. */
  readonly details: Readonly<Omit<ErrorDetails, 'cause'>>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    const { cause, ...facts } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = facts;
    Object.defineProperty(this, brand, { value: true });
  }
}

/**
 * Thrown when an argument or stored definition is not what its contract says; `details.path` names the offending place. Mend the input and call again: nothing was written.
 *
 * @example
 * ```ts
 * import { ValidationError } from 'modelkeep';
 *
 * const error = new ValidationError('rows[3].date is missing; every row needs its timestamp.', { path: 'rows[3].date' });
 * console.log(error.code); // 'validation'
 * ```
 */
export class ValidationError extends ModelkeepError {
  override name = 'ValidationError';

  constructor(message: string, details?: ErrorDetails) {
    super('validation', message, details);
  }
}

/**
 * Thrown when something that was asked for by id, name or stage does not exist. Check the name, or list what is there.
 *
 * @example
 * ```ts
 * import { NotFoundError } from 'modelkeep';
 *
 * const error = new NotFoundError("Model 'fraud' does not exist; create it with registry.createModel('fraud').", { key: 'fraud' });
 * console.log(error.code); // 'not-found'
 * ```
 */
export class NotFoundError extends ModelkeepError {
  override name = 'NotFoundError';

  constructor(message: string, details?: ErrorDetails) {
    super('not-found', message, details);
  }
}

/**
 * Thrown when someone else changed the same thing first, or when it already exists with other contents. Read it again and decide anew.
 *
 * @example
 * ```ts
 * import { ConflictError } from 'modelkeep';
 *
 * const error = new ConflictError("Param 'learningRate' is already 0.01; params are written once.", { key: 'learningRate' });
 * console.log(error.code); // 'conflict'
 * ```
 */
export class ConflictError extends ModelkeepError {
  override name = 'ConflictError';

  constructor(message: string, details?: ErrorDetails) {
    super('conflict', message, details);
  }
}

/**
 * Thrown when stored bytes are not the bytes that were written: a checksum or digest does not match. Never retried and never ignored; restore the named key from a copy.
 *
 * @example
 * ```ts
 * import { IntegrityError } from 'modelkeep';
 *
 * const error = new IntegrityError('Blob sha256:ab… is damaged: its bytes hash to sha256:cd….', { key: 'sha256:ab…' });
 * console.log(error.code); // 'integrity'
 * ```
 */
export class IntegrityError extends ModelkeepError {
  override name = 'IntegrityError';

  constructor(message: string, details?: ErrorDetails) {
    super('integrity', message, details);
  }
}

/** The codes that a {@link StorageError} may carry. */
export type StorageErrorCode = Extract<ErrorCode, 'storage' | 'storage-full' | 'unknown-store-version' | 'not-a-store' | 'closed' | 'unauthorized' | 'forbidden' | 'unavailable'>;

/**
 * Thrown when the storage itself fails: the disk is full (`storage-full`), the directory is no store (`not-a-store`), the store was written by a newer
 * format (`unknown-store-version`), it was closed (`closed`), a server wants to know who is calling (`unauthorized`) or refuses it (`forbidden`), the store cannot be
 * reached now (`unavailable`; try again later), or the system reported an error (`storage`). What was acknowledged before is still there.
 *
 * @example
 * ```ts
 * import { StorageError } from 'modelkeep';
 *
 * const error = new StorageError('storage-full', 'No space is left for runs/1; free some and call again.', { key: 'runs/1' });
 * console.log(error.code); // 'storage-full'
 * ```
 */
export class StorageError extends ModelkeepError {
  override name = 'StorageError';
  declare readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, details?: ErrorDetails) {
    super(code, message, details);
  }
}

/**
 * Thrown when a promotion is refused by its gates; `details` carries the report of every gate. Mend what failed, or promote by force with a reason.
 *
 * @example
 * ```ts
 * import { GateError } from 'modelkeep';
 *
 * const error = new GateError('flight-delay@2 may not go to production: auc 0.71 is below 0.75.', { model: 'flight-delay' });
 * console.log(error.code); // 'gate'
 * ```
 */
export class GateError extends ModelkeepError {
  override name = 'GateError';

  constructor(message: string, details?: ErrorDetails) {
    super('gate', message, details);
  }
}

/**
 * Thrown when an operation took longer than its limit. The message says which limit and how to raise it.
 *
 * @example
 * ```ts
 * import { TimeoutError } from 'modelkeep';
 *
 * const error = new TimeoutError("Step 'train' passed its timeout of 10m.", { limitMs: 600_000 });
 * console.log(error.code); // 'timeout'
 * ```
 */
export class TimeoutError extends ModelkeepError {
  override name = 'TimeoutError';

  constructor(message: string, details?: ErrorDetails) {
    super('timeout', message, details);
  }
}

/**
 * Thrown when the caller's `AbortSignal` fired; `cause` is the signal's reason.
 *
 * @example
 * ```ts
 * import { AbortedError } from 'modelkeep';
 *
 * const error = new AbortedError('The join was aborted by its caller.', { cause: new Error('page closed') });
 * console.log(error.code); // 'aborted'
 * ```
 */
export class AbortedError extends ModelkeepError {
  override name = 'AbortedError';

  constructor(message: string, details?: ErrorDetails) {
    super('aborted', message, details);
  }
}

/**
 * Thrown when this environment, store or format cannot do what was asked, and never will; the message names an alternative.
 *
 * @example
 * ```ts
 * import { UnsupportedError } from 'modelkeep';
 *
 * const error = new UnsupportedError('Network file systems have no atomic append; keep the store on a local disk.');
 * console.log(error.code); // 'unsupported'
 * ```
 */
export class UnsupportedError extends ModelkeepError {
  override name = 'UnsupportedError';

  constructor(message: string, details?: ErrorDetails) {
    super('unsupported', message, details);
  }
}

/**
 * Whether `error` was thrown by modelkeep, by whichever copy of the package, and carries `code` when one is given.
 *
 * @param error - Anything that was caught.
 * @param codes - Codes of which one must match; none means any.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry, isModelkeepError } from 'modelkeep';
 *
 * const registry = new Registry({ storage: new MemoryStorage() });
 * try {
 *   await registry.load('fraud@production');
 * } catch (error) {
 *   if (!isModelkeepError(error, 'not-found')) throw error;
 *   console.log(error.message);
 * }
 * ```
 */
export function isModelkeepError(error: unknown, ...codes: readonly ErrorCode[]): error is ModelkeepError {
  try {
    if (typeof error !== 'object' || error === null || (error as Record<symbol, unknown>)[brand] !== true) return false;
    return codes.length === 0 || codes.includes((error as ModelkeepError).code);
  } catch {
    // Something that throws when it is looked at is none of ours.
    return false;
  }
}
