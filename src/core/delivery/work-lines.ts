/** Work in lines: of each line one piece after the other, of several lines side by side. */
export class WorkLines {
  readonly #lines = new Map<string, Promise<void>>();
  #size = 0;

  /** How many pieces wait or are under way. */
  get size(): number {
    return this.#size;
  }

  /** Does a piece when those before it in its line are done. It must not throw. */
  add(line: string, work: () => Promise<void>): void {
    this.#size++;
    const done = (this.#lines.get(line) ?? Promise.resolve()).then(work).finally(() => this.#size--);
    this.#lines.set(line, done);
    void done.then(() => {
      if (this.#lines.get(line) === done) this.#lines.delete(line);
    });
  }

  /** Resolves when all that was added so far is done. */
  async settled(): Promise<void> {
    await Promise.all(this.#lines.values());
  }
}
