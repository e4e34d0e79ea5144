import type { PredictionOrigin } from '../routing/prediction-id.ts';

/** Where a prediction came from, and whose it was. */
export interface RememberedOrigin extends PredictionOrigin {
  readonly key: string | undefined;
}

/** Remembers where the last predictions came from whose ids do not tell it: callers gave them, or an experiment must know whose they were. */
export class GivenIds {
  readonly #most: number;
  readonly #origins = new Map<string, RememberedOrigin>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Remembers one; the oldest is forgotten when there are too many. */
  remember(id: string, origin: RememberedOrigin): void {
    this.#origins.delete(id);
    this.#origins.set(id, origin);
    if (this.#origins.size > this.#most) this.#origins.delete(this.#origins.keys().next().value!);
  }

  /** Where one came from; absent when it was forgotten, or made by another process. */
  originOf(id: string): RememberedOrigin | undefined {
    return this.#origins.get(id);
  }
}
