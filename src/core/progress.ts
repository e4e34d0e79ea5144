/** How far a long call has come. */
export interface Progress {
  /** What is being done, in a few words. */
  phase: string;
  /** Units done so far. */
  done: number;
  /** Units in all, when known. */
  total?: number;
}

/** What every call that waits takes. */
export interface OperationOptions {
  /** Ends the call with `AbortedError` when it fires. What was acknowledged before stays. */
  signal?: AbortSignal | undefined;
}

/** What every long call takes. */
export interface LongOperationOptions extends OperationOptions {
  /** Is told how far the call has come, at least once per batch of work. */
  onProgress?: ((progress: Progress) => void) | undefined;
}
