import { concatBytes, fromUtf8 } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { readFrames, type Frame } from '../storage/http-frames.ts';
import { framesType } from '../storage/http-protocol.ts';
import { jsonType } from './answer.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { BodySource, IncomingRequest } from './incoming-request.ts';
import { jsonDepth } from './json-depth.ts';
import { Refusal, tooBusy, tooLarge } from './refusal.ts';
import { isModelkeepError } from '../core/errors.ts';

const MiB = 1024 * 1024;

// What is read at once cannot be stopped in the middle; so much of it may come in vain.
const mostAtOnce = 64 * 1024;

/** What bodies are read with. */
export interface BodyRules {
  readonly clock: Clock;
  /** How long each MiB may take to arrive. */
  readonly timeoutMs: number;
  readonly budget: ByteBudget;
}

/** The body of a request, read within bounds whatever the client announced. */
export class RequestBody {
  readonly #request: IncomingRequest;
  readonly #rules: BodyRules;
  #source: BodySource | undefined;
  #begun = false;
  #announced: number | undefined;
  #received = 0;
  #waitedMs = 0;
  #held = 0;
  #failure: Error | undefined;

  constructor(request: IncomingRequest, rules: BodyRules) {
    this.#request = request;
    this.#rules = rules;
  }

  /** The whole body. `what` names it in messages. */
  async bytes(limit: number, what: string): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    // What came along with the headers is there by then, and need not be waited for.
    await Promise.resolve();
    for (;;) {
      const next = this.#next(limit, what);
      const chunk = next instanceof Promise ? await next : next;
      if (chunk === undefined) return parts.length === 1 ? parts[0]! : concatBytes(parts);
      parts.push(this.#hold(chunk));
    }
  }

  /** The whole body as a text; `undefined` when it is not UTF-8. */
  text(limit: number, what: string): Promise<string | undefined> {
    const announced = this.#announcedBytes();
    const isSmall = announced !== undefined && announced <= mostAtOnce && announced <= limit;
    return isSmall && this.#request.wholeBody !== undefined ? this.#textAtOnce(announced) : this.#textOfBytes(limit, what);
  }

  async #textAtOnce(announced: number): Promise<string | undefined> {
    this.charge(announced);
    const bytes = await this.#inTime(this.#request.wholeBody!(), () => undefined);
    if (bytes.length !== announced) throw unlikeAnnounced(bytes.length, announced);
    return textOf(bytes);
  }

  async #textOfBytes(limit: number, what: string): Promise<string | undefined> {
    return textOf(await this.bytes(limit, what));
  }

  /** The whole body as JSON that is nested at most `maxDepth` deep. */
  async json(limit: number, maxDepth = 16): Promise<unknown> {
    const bytes = await this.jsonBytes(limit, maxDepth);
    try {
      return JSON.parse(fromUtf8(bytes));
    } catch (cause) {
      throw new Refusal(400, 'validation', 'The body is not JSON.', { cause });
    }
  }

  /** The whole body as the bytes of what is to be JSON. */
  async jsonBytes(limit: number, maxDepth: number): Promise<Uint8Array> {
    this.#assertType(jsonType);
    const bytes = await this.bytes(limit, 'The body');
    if (jsonDepth(bytes) > maxDepth) throw new Refusal(400, 'validation', `The body is nested more than ${maxDepth} deep.`);
    return bytes;
  }

  /** The frames of the body, at most `limit` bytes in all. */
  async *frames(limit: number, maxBodyBytes: number): AsyncGenerator<Frame> {
    this.#assertType(framesType);
    const held = async function* (this: RequestBody): AsyncGenerator<Uint8Array> {
      for await (const chunk of this.chunks(limit, 'The body')) yield this.#hold(chunk);
    };
    try {
      for await (const frame of readFrames(held.call(this), { maxBodyBytes })) yield frame;
    } catch (error) {
      // Here the whole body has come, and it ends where no body may.
      if (isModelkeepError(error, 'unavailable') && error.details['cut'] === true) throw new Refusal(400, 'validation', 'The body ends in the middle of a frame.');
      throw error;
    }
  }

  /** Why reading it failed; `undefined` as long as it did not. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The body piece by piece, not held. */
  async *chunks(limit: number, what: string): AsyncGenerator<Uint8Array> {
    for (let chunk = await this.#next(limit, what); chunk !== undefined; chunk = await this.#next(limit, what)) yield chunk;
  }

  /** The next bytes, at once where they are there already; `undefined` at the end. */
  #next(limit: number, what: string): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    try {
      this.#begin(limit, what);
      const chunk = this.#source?.read();
      return chunk instanceof Promise ? this.#nextLater(chunk, limit, what) : this.#counted(chunk, limit, what);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async #nextLater(reading: Promise<Uint8Array | undefined>, limit: number, what: string): Promise<Uint8Array | undefined> {
    try {
      return this.#counted(await this.#inTime(reading, () => this.#source!.cancel()), limit, what);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #counted(chunk: Uint8Array | undefined, limit: number, what: string): Uint8Array | undefined {
    if (chunk === undefined) {
      if (this.#announced !== undefined && this.#announced !== this.#received) {
        throw unlikeAnnounced(this.#received, this.#announced);
      }
      return undefined;
    }
    this.#received += chunk.length;
    if (this.#received > limit) throw tooLarge(what, limit);
    return chunk;
  }

  #failed(error: unknown): Error {
    this.#failure = error as Error;
    return this.#failure;
  }

  #begin(limit: number, what: string): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#announced = this.#announcedBytes();
    if (this.#announced !== undefined && this.#announced > limit) throw tooLarge(what, limit);
    this.#source = this.#request.openBody();
  }

  #announcedBytes(): number | undefined {
    const text = this.#request.header('content-length');
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text)) throw new Refusal(400, 'validation', 'Content-Length must be one number.');
    if (this.#request.header('transfer-encoding') !== undefined) throw new Refusal(400, 'validation', 'Content-Length and Transfer-Encoding contradict each other.');
    return Number(text);
  }

  /** Lets go of what is held and gives up what has not come. */
  release(): void {
    this.#source?.cancel();
    this.#rules.budget.release(this.#held);
    this.#held = 0;
  }

  /** Counts what is made of the body in memory among what is held of it. */
  charge(bytes: number): void {
    if (!this.#rules.budget.take(bytes, this.#held)) throw tooBusy('The server holds as many bodies as it can; try again later.');
    this.#held += bytes;
  }

  #hold(chunk: Uint8Array): Uint8Array {
    this.charge(chunk.length);
    return chunk;
  }

  #assertType(type: string): void {
    const given = this.#request.header('content-type')?.split(';')[0]!.trim().toLowerCase();
    if (given !== type) throw new Refusal(415, 'unsupported', `The body must be ${type}; Content-Type says ${given === undefined ? 'nothing' : 'something else'}.`);
  }

  /** Only what the client is waited for counts: the store may be slow, too. */
  #inTime<T>(reading: Promise<T>, giveUp: () => void): Promise<T> {
    const { clock, timeoutMs } = this.#rules;
    const before = clock.monotonic();
    return new Promise((resolve, reject) => {
      const undo = clock.setTimer(() => {
        giveUp();
        reject(new Refusal(408, 'timeout', 'The body did not arrive in time.'));
      }, timeoutMs * (1 + Math.floor(this.#received / MiB)) - this.#waitedMs);
      reading.then(
        (chunk) => {
          undo();
          this.#waitedMs += clock.monotonic() - before;
          resolve(chunk);
        },
        (cause: unknown) => {
          undo();
          reject(new Refusal(400, 'validation', 'The body ended before its end: the connection was cut.', { cause }));
        },
      );
    });
  }
}

/** Bytes as a text; `undefined` when they are not UTF-8. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8(bytes);
  } catch {
    return undefined;
  }
}

function unlikeAnnounced(bytes: number, announced: number): Refusal {
  return new Refusal(400, 'validation', `The body has ${bytes} bytes, but Content-Length announced ${announced}.`);
}
