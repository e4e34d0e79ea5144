/** How many named operations an adapter remembers at least. */
export const rememberedOperations = 10_000;

/** The results of the last named operations, oldest forgotten first, so that a retry is answered as the first try was. */
export class OperationMemory<R> {
  readonly #results = new Map<string, R>();

  get(operationId: string | undefined): R | undefined {
    return operationId === undefined ? undefined : this.#results.get(operationId);
  }

  /** Gives the operation that is forgotten for it, if one is. */
  remember(operationId: string | undefined, result: R): string | undefined {
    if (operationId === undefined) return undefined;
    this.#results.set(operationId, result);
    if (this.#results.size <= rememberedOperations) return undefined;
    for (const oldest of this.#results.keys()) {
      this.#results.delete(oldest);
      return oldest;
    }
    return undefined;
  }

  /** All that is remembered, oldest first. */
  entries(): IterableIterator<[string, R]> {
    return this.#results.entries();
  }
}
