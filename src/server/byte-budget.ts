/** How many bytes of bodies are held at once, by all requests together. */
export class ByteBudget {
  readonly #limit: number;
  #held = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes `bytes` more for someone who holds `own` already. Says no when that is too much, unless nobody else holds any: then it would never be less. */
  take(bytes: number, own: number): boolean {
    if (this.#held + bytes > this.#limit && this.#held > own) return false;
    this.#held += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#held -= bytes;
  }
}
