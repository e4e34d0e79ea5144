import { AbortedError } from './errors.ts';

/** Who waits for something, and may leave before it is there. */
export interface Caller {
  /** Whether they are known to have left. */
  readonly left: boolean;
  /** Fires when they leave. It may be made when it is asked for, which only who has to wait need do. */
  readonly signal: AbortSignal;
}

class Signaller implements Caller {
  readonly signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  get left(): boolean {
    return this.signal.aborted;
  }
}

/** The caller whose signal it is. */
export function callerOf(signal: AbortSignal | undefined): Caller | undefined {
  return signal && new Signaller(signal);
}

/** Throws {@link AbortedError} when `signal` has fired; `what` names the call for the message. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new AbortedError(`${what} was aborted by its caller.`, { cause: signal.reason });
}

/** What `work` comes to, or {@link AbortedError} as soon as `signal` fires: the caller waits no longer, the work goes on to its own end. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined, what: string): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(new AbortedError(`${what} was aborted by its caller.`, { cause: signal.reason }));
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}

/** What `work` comes to, or the reason of `signal` as soon as that fires. */
export function orStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stopped = (): void => reject(signal.reason as Error);
    if (signal.aborted) stopped();
    else signal.addEventListener('abort', stopped, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stopped));
  });
}
