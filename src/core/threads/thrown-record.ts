import { isModelkeepError, ModelkeepError, type ErrorCode, type ErrorDetails } from '../errors.ts';
import { describeFailure } from '../failure.ts';
import { shown } from '../shown.ts';

/** What was thrown, as it can be sent: a structured clone of an error keeps neither its code nor the name of its class. */
export interface ThrownRecord {
  readonly error: boolean;
  readonly name?: string | undefined;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
  /** Of an error of this package, its facts. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** What was thrown in the host, as a thread is sent it. */
export function thrownRecord(error: unknown): ThrownRecord {
  return { error: true, ...describeFailure(error), ...(isModelkeepError(error) && { details: clonedDetails(error.details) }) };
}

/** Details may hold what cannot be sent, such as a cause; then they stay behind. */
function clonedDetails(details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  try {
    return structuredClone(details);
  } catch {
    return {};
  }
}

/** What a thread has thrown, as if it had been thrown here; `where` is the subject of a sentence about who threw, and `place` the same as facts. */
export function revivedError({ error, name, message, stack, code, details }: ThrownRecord, where: string, place: ErrorDetails): Error {
  if (!error) return new ModelkeepError('worker-failed', `${where} threw ${shown(message)}, which is no error; throw an Error.`, { ...place });
  // A code of this package, which is what its errors are made of.
  const made = details ? new ModelkeepError(code as ErrorCode, message, details) : Object.assign(new Error(message), code === undefined ? {} : { code });
  return Object.assign(made, { name: name ?? 'Error' }, stack === undefined ? {} : { stack });
}
