/** What a run of a model came to. */
export interface RunResult<Output> {
  readonly output: Output;
  readonly queueMs: number;
  readonly computeMs: number;
  readonly batchSize: number;
}

/** What a version is asked through. */
export interface Runner<Input, Output> {
  run(input: Input, call: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number | undefined }): Promise<RunResult<Output>>;
  readonly inFlight: number;
  readonly queued: number;
  drain(): Promise<void>;
}
