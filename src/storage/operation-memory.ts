/** How many named operations an adapter remembers at least. */
export const rememberedOperations = 10_000;

/** The results of the last named operations, oldest forgotten first, so that a retry is answered as the first try was. */
export class OperationMemory<R> {
  readonly #results = new Map<string, R>();

  get(operationId: string | undefined): R | undefined {
    return operationId === undefined ? undefined : this.#results.get(operationId);
  }

  remember(operationId: string | undefined, result: R): void {
    if (operationId === undefined) return;
    this.#results.set(operationId, result);
    if (this.#results.size <= rememberedOperations) return;
    for (const oldest of this.#results.keys()) {
      this.#results.delete(oldest);
      return;
    }
  }

  /** All that is remembered, oldest first. */
  entries(): IterableIterator<[string, R]> {
    return this.#results.entries();
  }
}
