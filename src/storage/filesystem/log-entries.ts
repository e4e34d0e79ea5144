import { throwIfAborted } from '../../core/abort.ts';
import type { Key } from '../../core/key.ts';
import type { LogEntry, LogPosition, LogQuery } from '../contract.ts';
import { advancePosition } from '../log-position.ts';
import { FrameEntries } from './segment-frame.ts';
import type { PlacedFrame } from './segment-reader.ts';

/** A frame of a log that is read, and what the positions of its entries are made of. */
export interface LogFrame extends PlacedFrame {
  readonly writer: string;
  /** How far the other writers have been read. */
  readonly others: LogPosition;
  /** The sequence that the reader had reached. */
  readonly after: number;
}

/**
 * The entries of the frames of a log. Written out rather than as a generator, whose every entry would pass through a turn of each generator below it: many are small and wait
 * for nothing.
 */
export class LogEntries implements AsyncIterableIterator<LogEntry> {
  readonly #frames: AsyncGenerator<LogFrame>;
  readonly #log: Key;
  readonly #signal: AbortSignal | undefined;
  readonly #transient: boolean;
  #entries: FrameEntries | undefined;
  #frame: LogFrame | undefined;
  #sequence = 0;
  /** The last call that waits for something, while there is one; it never rejects. */
  #underWay: Promise<unknown> | undefined;

  constructor(frames: AsyncGenerator<LogFrame>, log: Key, { signal, transient = false }: LogQuery) {
    this.#frames = frames;
    this.#log = log;
    this.#signal = signal;
    this.#transient = transient;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<LogEntry, undefined>> {
    const entry = this.#underWay === undefined && this.#signal?.aborted !== true ? this.#take() : undefined;
    return entry === undefined ? this.#inTurn(() => this.#read()) : Promise.resolve({ done: false, value: entry });
  }

  return(): Promise<IteratorResult<LogEntry, undefined>> {
    return this.#inTurn(async () => {
      await this.#end();
      return { done: true, value: undefined };
    });
  }

  /** Does what waits for something behind all that was asked for earlier. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#underWay === undefined ? work() : this.#underWay.then(work);
    const over = (): void => {
      if (this.#underWay === settled) this.#underWay = undefined;
    };
    const settled = result.then(over, over);
    this.#underWay = settled;
    return result;
  }

  async #read(): Promise<IteratorResult<LogEntry, undefined>> {
    for (;;) {
      if (this.#signal?.aborted) await this.#end();
      throwIfAborted(this.#signal, `Reading the log ${this.#log}`);
      const entry = this.#take();
      if (entry !== undefined) return { done: false, value: entry };
      const next = await this.#frames.next();
      if (next.done === true) return { done: true, value: undefined };
      const { frame, bytes, at, after } = next.value;
      const known = Math.max(0, after + 1 - frame.first);
      this.#frame = next.value;
      this.#entries = new FrameEntries(bytes, at, frame);
      this.#entries.skip(known);
      this.#sequence = frame.first - 1 + known;
    }
  }

  /** The next entry of the frame that was read last. */
  #take(): LogEntry | undefined {
    const bytes = this.#transient ? this.#entries?.lend() : this.#entries?.next();
    if (bytes === undefined) return undefined;
    const { writer, others } = this.#frame!;
    const sequence = ++this.#sequence;
    return { writer, sequence, bytes, position: advancePosition(others, writer, sequence) };
  }

  async #end(): Promise<void> {
    this.#entries = undefined;
    await this.#frames.return(undefined);
  }
}
