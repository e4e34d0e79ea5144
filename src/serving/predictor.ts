/** What a model is told of a call besides its inputs. */
export interface PredictCall {
  /** Fires when nobody waits for the answer any longer: the time is up, or all who asked have left. A model that can stop should. */
  readonly signal: AbortSignal;
}

/**
 * A model that is ready to answer: what the `load` of a deployment resolves to. It has `predict`, or `predictBatch`, or both; a plain function stands for one with `predict` alone.
 *
 * @typeParam Input - What one request asks.
 * @typeParam Output - What it is answered.
 */
export interface Predictor<Input = unknown, Output = unknown> {
  /** Answers one input. What it throws fails this request alone. */
  predict?(input: Input, call: PredictCall): Output | Promise<Output>;
  /**
   * Answers many inputs at once: one output for each, in their order. An `Error` in the place of an output fails that request alone; what it throws fails all of them, after which each is tried alone or in smaller batches where `batching.bisect` allows it.
   */
  predictBatch?(inputs: readonly Input[], call: PredictCall): readonly (Output | Error)[] | Promise<readonly (Output | Error)[]>;
  /** Bytes that it holds in memory, on the device too, for the bound of the cache of models. @default the sizes of the files of its version, together */
  readonly bytes?: number | undefined;
  /** Called once before the first request reaches it, when its first answers would be slow. A version is ready when this resolves. @default nothing */
  warmUp?(call: PredictCall): unknown;
  /** Gives its memory back. Called exactly once, when no request is in it any more. @default nothing */
  dispose?(): unknown;
}

/** A predictor, or a function that answers one input. */
export type PredictorSource<Input = unknown, Output = unknown> = Predictor<Input, Output> | ((input: Input, call: PredictCall) => Output | Promise<Output>);
