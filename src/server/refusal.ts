import type { ErrorCode } from '../core/errors.ts';

/** What a refusal says besides its message. */
export interface RefusalFacts {
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** Headers of the answer. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly cause?: unknown;
}

/** Ends the answering of a request with this answer. Its message is the client's to read. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(status: number, code: ErrorCode, message: string, { details, headers, cause }: RefusalFacts = {}) {
    super(message, { cause });
    this.status = status;
    this.code = code;
    this.details = details;
    this.headers = headers;
  }
}

/** 413: more than the limit. */
export function tooLarge(what: string, limit: number): Refusal {
  return new Refusal(413, 'validation', `${what} is too large: at most ${limit} bytes are taken.`, { details: { limit } });
}

/** 429: more than the server does at once. */
export function tooBusy(message: string): Refusal {
  return new Refusal(429, 'unavailable', message, { headers: { 'retry-after': '1' } });
}
