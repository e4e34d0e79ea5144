import type { Leave } from './circuit-breaker.ts';

/** An answer of a model, and what it took. */
export interface ModelAnswer<Output> {
  readonly output: Output;
  /** Milliseconds that the request waited for its turn. */
  readonly queueMs: number;
  /** Milliseconds that the model took for the batch. */
  readonly computeMs: number;
  /** How many requests were in the batch; what filled it up is not counted. */
  readonly batchSize: number;
}

/** What a request is made of; times are of the clock that never goes back. */
export interface ModelRequestParts<Input, Output> {
  readonly input: Input;
  readonly kind: string | number | undefined;
  readonly bytes: number;
  readonly arrivedAt: number;
  readonly deadline: number;
  readonly leave: Leave | undefined;
  readonly resolve: (answer: ModelAnswer<Output>) => void;
  readonly reject: (error: unknown) => void;
}

/** A request on its way through a model runner. It is settled once. */
export class ModelRequest<Input, Output> {
  readonly input: Input;
  /** What it shares a batch with; `undefined` with all. */
  readonly kind: string | number | undefined;
  readonly bytes: number;
  readonly arrivedAt: number;
  readonly deadline: number;
  readonly leave: Leave | undefined;
  /** When it was given to the model for the first time. */
  startedAt: number | undefined;
  /** How often the model failed at it. */
  failures = 0;
  settled = false;
  /** Heeds the signal of its caller no longer. */
  unheed: (() => void) | undefined;
  /** Has it not tried again, while it waits for that. */
  unrest: (() => void) | undefined;
  /** Tells the call that has it that it is no longer wanted. */
  abandon: (() => void) | undefined;
  readonly resolve: (answer: ModelAnswer<Output>) => void;
  readonly reject: (error: unknown) => void;

  constructor({ input, kind, bytes, arrivedAt, deadline, leave, resolve, reject }: ModelRequestParts<Input, Output>) {
    this.input = input;
    this.kind = kind;
    this.bytes = bytes;
    this.arrivedAt = arrivedAt;
    this.deadline = deadline;
    this.leave = leave;
    this.resolve = resolve;
    this.reject = reject;
  }
}
