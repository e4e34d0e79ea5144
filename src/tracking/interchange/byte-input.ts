/** Bytes that come in chunks, as one buffer of those that are not taken yet: `bytes` from `at` to `end`. */
export class ByteInput {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  end = 0;
  /** Whether no more will come. */
  ended = false;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #base = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Where the next byte stands in the file. */
  get offset(): number {
    return this.#base + this.at;
  }

  /** Waits until so many bytes are there or no more come; says whether they are there. */
  async want(count: number): Promise<boolean> {
    while (!this.ended && this.end - this.at < count) {
      const next = await this.#chunks.next();
      if (next.done === true) this.ended = true;
      else this.#join(next.value);
    }
    return this.end - this.at >= count;
  }

  /** Lets go of the source. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  /** A copy, since whoever reads a file may use its buffer again; the bytes taken last stay in front, to be looked at. */
  #join(chunk: Uint8Array): void {
    const from = Math.max(0, this.at - keptBehind);
    const joined = new Uint8Array(this.end - from + chunk.length);
    joined.set(this.bytes.subarray(from, this.end));
    joined.set(chunk, this.end - from);
    this.#base += from;
    this.at -= from;
    [this.bytes, this.end] = [joined, joined.length];
  }
}

const keptBehind = 8;
