/** The last bytes of a stream, however long it is. */
export class LastBytes {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #size = 0;
  #truncated = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get truncated(): boolean {
    return this.#truncated;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size - (this.#chunks[0]?.length ?? 0) >= this.#limit && this.#chunks.length > 0) {
      this.#size -= this.#chunks.shift()!.length;
      this.#truncated = true;
    }
  }

  /** As UTF-8; a character that the limit cut in two is left out. */
  text(): string {
    let bytes = Buffer.concat(this.#chunks);
    if (bytes.length > this.#limit) {
      bytes = bytes.subarray(bytes.length - this.#limit);
      this.#truncated = true;
    }
    let start = 0;
    if (this.#truncated) while (start < 4 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
    return bytes.toString('utf8', start);
  }
}
