import { collectBytes, fromUtf8 } from '../../core/bytes.ts';
import { StorageError, TimeoutError } from '../../core/errors.ts';
import { readFrames, type Frame } from '../http-frames.ts';
import { framesType, type EndFrame, type ErrorFrame } from '../http-protocol.ts';
import type { CallScope } from './call-scope.ts';
import { CallFailure, failureOfFrame, foreignAnswer } from './call-failure.ts';

// Whoever asks a server trusts it with its memory; this only stops what cannot be a frame.
const maxBodyBytes = 2 ** 30;
const oneGoBytes = 64 * 1024;

/** An answer whose body is on its way. Whoever has one reads it to its end or ends it. */
export class HttpAnswer {
  readonly response: Response;
  /** The request, for messages. */
  readonly place: string;
  readonly #scope: CallScope;
  readonly #silenceMs: number;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #whenEnded: (() => void) | undefined;
  #ended = false;

  constructor(response: Response, place: string, scope: CallScope, silenceMs: number) {
    this.response = response;
    this.place = place;
    this.#scope = scope;
    this.#silenceMs = silenceMs;
    // Nobody may ever begin to read it; whoever does so later is told why it ended.
    scope.signal.addEventListener('abort', () => this.end(), { once: true });
  }

  get status(): number {
    return this.response.status;
  }

  header(name: string): string | null {
    return this.response.headers.get(name);
  }

  /** The body as it comes; fails with what another attempt may mend when it is cut or nothing comes for too long. */
  async *chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    let missing = this.#announced();
    try {
      this.#reader = this.response.body?.getReader();
      while (this.#reader) {
        this.#scope.limit(this.#silenceMs, () => silence(this.place, this.#silenceMs));
        const { done, value } = await this.#scope.run(this.#reader.read());
        if (done) break;
        missing -= value.length;
        if (value.length > 0) yield value as Uint8Array<ArrayBuffer>;
      }
      // Not every fetch says that a body ended before its time.
      if (missing > 0) throw new Error('The body ended before its time.');
    } catch (cause) {
      throw this.#scope.signal.aborted ? cause : cut(this.place, cause);
    } finally {
      this.end();
    }
  }

  /** The whole body. */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const size = this.#announced();
    if (size === 0 || size > oneGoBytes) return collectBytes(this.chunks());
    // What comes at once needs no looking at each piece.
    this.#scope.limit(this.#silenceMs, () => silence(this.place, this.#silenceMs));
    try {
      const bytes = new Uint8Array(await this.#scope.run(this.response.arrayBuffer()));
      if (bytes.length < size) throw new Error('The body ended before its time.');
      return bytes;
    } catch (cause) {
      throw this.#scope.signal.aborted ? cause : cut(this.place, cause);
    } finally {
      this.end();
    }
  }

  /** The JSON of the body, which is what `isExpected` says, or not ours. */
  async json<T>(isExpected: (value: Partial<T>) => boolean): Promise<T> {
    const bytes = await this.bytes();
    try {
      const value = JSON.parse(fromUtf8(bytes)) as Partial<T> | null;
      if (typeof value === 'object' && value !== null && isExpected(value)) return value as T;
    } catch {
      // Told below, like JSON of another kind.
    }
    throw this.foreign();
  }

  /** The frames of the body; ends only where the server said that it is whole. */
  async *frames(): AsyncGenerator<Frame> {
    if (!this.header('content-type')?.startsWith(framesType)) throw this.foreign();
    for await (const frame of readFrames(this.chunks(), { maxBodyBytes })) {
      const header = frame.header as Partial<EndFrame & ErrorFrame>;
      if (header.end) return;
      if (header.error) throw failureOfFrame(header as ErrorFrame, this.place);
      yield frame;
    }
    throw cut(this.place);
  }

  /** Calls back once the body was read or given up. */
  whenEnded(callback: () => void): void {
    if (this.#ended) callback();
    else this.#whenEnded = callback;
  }

  /** Gives up what has not been read. Never fails; harmless once the end was reached. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#scope.end();
    this.#whenEnded?.();
    if (this.response.bodyUsed && !this.#reader) return;
    const cancelled = this.#reader ? this.#reader.cancel() : this.response.body?.cancel();
    cancelled?.catch(() => undefined);
  }

  /** How many bytes the body has, as far as that is known: 0 for at least that many. */
  #announced(): number {
    return this.response.body && this.header('content-encoding') === null ? Number(this.header('content-length')) || 0 : 0;
  }

  /** The failure of an answer that is not one of a server of ours. */
  foreign(): CallFailure {
    this.end();
    return new CallFailure(foreignAnswer(this.response, this.place), { status: this.status, passing: false });
  }
}

/** The failure of a connection that ended before its time. */
function cut(place: string, cause?: unknown): CallFailure {
  return new CallFailure(new StorageError('unavailable', `The connection was cut in the middle of the answer to ${place}; try again later.`, { cause }), { passing: true });
}

/** The failure of a server that says nothing. */
export function silence(place: string, ms: number): CallFailure {
  const error = new TimeoutError(`${place} was not answered within ${ms} ms; try again later, or raise the option timeout.`, { limitMs: ms });
  return new CallFailure(error, { passing: true });
}
