import type { PredictionOrigin } from '../routing/prediction-id.ts';

/** Remembers where the predictions came from whose ids callers gave, the last ones: ids that a deployment makes tell it themselves. */
export class GivenIds {
  readonly #most: number;
  readonly #origins = new Map<string, PredictionOrigin>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Remembers one; the oldest is forgotten when there are too many. */
  remember(id: string, origin: PredictionOrigin): void {
    this.#origins.delete(id);
    this.#origins.set(id, origin);
    if (this.#origins.size > this.#most) this.#origins.delete(this.#origins.keys().next().value!);
  }

  /** Where one came from; absent when it was forgotten, or made by another process. */
  originOf(id: string): PredictionOrigin | undefined {
    return this.#origins.get(id);
  }
}
