import { AbortedError } from './errors.ts';

/** Throws {@link AbortedError} when `signal` has fired; `what` names the call for the message. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new AbortedError(`${what} was aborted by its caller.`, { cause: signal.reason });
}
