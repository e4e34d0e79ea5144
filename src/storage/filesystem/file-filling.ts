import { writeAll } from './file-reading.ts';
import type { OpenFile } from './file-system.ts';

const blockBytes = 1 << 20;
/** A small file gets by with this much memory. */
const firstBlockBytes = 64 * 1024;
const maxBlocksBehind = 3;
const flushEvery = 4 << 20;

/**
 * Fills a new file with bytes that are still being made. What is added is taken over at once and written behind the caller's back, in order and with bounded memory; the disk
 * begins early to keep what was written, so that little is left to wait for at the end.
 */
export class FileFilling {
  readonly #file: OpenFile;
  #block: Buffer | undefined;
  #used = 0;
  #begun = false;
  readonly #free: Buffer[] = [];
  /** Writes that were not finished yet, oldest first; they never reject. */
  readonly #behind: Promise<void>[] = [];
  #flushing: Promise<void> | undefined;
  #unflushed = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(file: OpenFile) {
    this.#file = file;
  }

  /** Takes over bytes. Rejects when these or earlier ones could not be written. */
  async add(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const block = (this.#block ??= await this.#nextBlock(bytes.length));
      const part = bytes.subarray(at, at + block.length - this.#used);
      block.set(part, this.#used);
      this.#used += part.length;
      at += part.length;
      if (this.#used === block.length) this.#pass();
    }
    this.#throwFailure();
  }

  /** Waits until all is written and flushed. */
  async end(): Promise<void> {
    this.#pass();
    await this.settle();
    this.#throwFailure();
    await this.#file.sync();
  }

  /** Waits until nothing is under way any more, whatever came of it; then the file may be closed. */
  async settle(): Promise<void> {
    await this.#behind.at(-1);
    await this.#flushing;
  }

  async #nextBlock(wanted: number): Promise<Buffer> {
    if (this.#behind.length >= maxBlocksBehind) await this.#behind[0];
    const length = this.#begun || wanted > firstBlockBytes ? blockBytes : firstBlockBytes;
    this.#begun = true;
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(length);
  }

  #pass(): void {
    const block = this.#block;
    if (block === undefined) return;
    const bytes = block.subarray(0, this.#used);
    this.#block = undefined;
    this.#used = 0;
    const before = this.#behind.at(-1);
    this.#behind.push(this.#write(block, bytes, before));
  }

  async #write(block: Buffer, bytes: Buffer, before: Promise<void> | undefined): Promise<void> {
    await before;
    try {
      if (this.#failure === undefined) await writeAll(this.#file, bytes);
      this.#unflushed += bytes.length;
      if (this.#unflushed >= flushEvery && this.#flushing === undefined) this.#flushing = this.#flush();
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      void this.#behind.shift();
      if (block.length === blockBytes) this.#free.push(block);
    }
  }

  /** A flush that fails must fail the whole: the next one would not tell of what this one lost. */
  async #flush(): Promise<void> {
    this.#unflushed = 0;
    try {
      await this.#file.sync();
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      this.#flushing = undefined;
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
