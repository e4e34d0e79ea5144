/** Memory that a file is read into piece by piece. */
export class ReadWindow {
  #bytes: Buffer = Buffer.alloc(0);

  /** The memory, at least `length` bytes of it, with the first `kept` of before. */
  withRoom(length: number, kept: number): Buffer {
    if (this.#bytes.length < length) {
      const before = this.#bytes;
      this.#bytes = Buffer.allocUnsafe(length);
      before.copy(this.#bytes, 0, 0, kept);
    }
    return this.#bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }
}

/** Larger windows are not kept. */
const mostKept = 16 << 20;

/**
 * A window for one reading after the other. New memory of megabytes for each reading would make the collector of garbage run each time, and wait for threads of its own that a busy machine may not let run.
 * What is kept goes with the next full collection.
 */
export class SpareWindow {
  #spare: WeakRef<ReadWindow> | undefined;

  /** The window that is kept, or a new one; nobody else is given it until it is kept again. */
  take(): ReadWindow {
    const window = this.#spare?.deref() ?? new ReadWindow();
    this.#spare = undefined;
    return window;
  }

  /** Keeps a window that nobody looks at any more, unless a larger one is kept. */
  keep(window: ReadWindow): void {
    if (window.size > mostKept || window.size <= (this.#spare?.deref()?.size ?? 0)) return;
    this.#spare = new WeakRef(window);
  }
}
