import { concatBytes, toHex, utf8 } from '../../core/bytes.ts';
import { createHasher, digestOf, type Digest, type Hasher } from '../../core/digest.ts';
import { IntegrityError, StorageError, isModelkeepError } from '../../core/errors.ts';
import type { BlobOptions, BlobRef } from '../contract.ts';
import { checkedChunks } from '../blob-source.ts';
import { headerNames, maxPartBytes } from '../http-protocol.ts';
import type { HttpCall, HttpTransport } from './http-transport.ts';

const bytesType = { 'content-type': 'application/octet-stream' };

/** Sends a blob: at once when it fits into a part, otherwise part by part in a session, and the digest at the end. What cannot be finished is given up on the server too. */
export async function uploadBlob(transport: HttpTransport, source: AsyncIterable<Uint8Array>, options: BlobOptions, later: (work: Promise<unknown>) => void): Promise<BlobRef> {
  const { signal, digest: expected } = options;
  const hasher = createHasher();
  let session: Session | undefined;
  let size = 0;
  try {
    for await (const { bytes, last } of partsOf(checkedChunks(source, signal))) {
      if (last && session === undefined) return await sendWhole(transport, bytes, options);
      session ??= await Session.begin(transport, signal);
      size += bytes.length;
      await session.send(bytes, hasher);
    }
    const digest = hasher.digest();
    assertExpected(digest, expected);
    return await session!.commit({ digest, size });
  } catch (error) {
    const cancelled = session?.cancel();
    if (cancelled) later(cancelled);
    throw error;
  }
}

async function sendWhole(transport: HttpTransport, bytes: Uint8Array<ArrayBuffer>, { signal, digest: expected }: BlobOptions): Promise<BlobRef> {
  const digest = await digestOfPart(bytes);
  assertExpected(digest, expected);
  await transport.call({ method: 'PUT', path: `blobs/${digest}`, headers: bytesType, body: bytes, signal }, (answer) => answer.json<BlobRef>((ref) => ref.digest === digest));
  return { digest, size: bytes.length };
}

/** A blob under way in parts. */
class Session {
  readonly #transport: HttpTransport;
  readonly #path: string;
  readonly #signal: AbortSignal | undefined;
  #parts = 0;
  /** The part that is on its way while the next is gathered and hashed. */
  #sending: Promise<unknown> = Promise.resolve();

  private constructor(transport: HttpTransport, id: string, signal: AbortSignal | undefined) {
    this.#transport = transport;
    this.#path = `uploads/${id}`;
    this.#signal = signal;
  }

  static async begin(transport: HttpTransport, signal: AbortSignal | undefined): Promise<Session> {
    const { id } = await transport.call({ method: 'POST', path: 'uploads', signal }, (answer) => answer.json<{ id: string }>((body) => /^[\w-]+$/.test(body.id ?? '')));
    return new Session(transport, id, signal);
  }

  /** Waits for the part before, sends this one, and hashes it meanwhile. */
  async send(bytes: Uint8Array<ArrayBuffer>, hasher: Hasher): Promise<void> {
    await this.#sending;
    const path = `${this.#path}/${++this.#parts}`;
    this.#sending = digestOfPart(bytes).then((digest) =>
      this.#call({ method: 'PUT', path, headers: { ...bytesType, [headerNames.digest]: digest }, body: bytes, signal: this.#signal }, ({ parts }) => typeof parts === 'number'),
    );
    // It is waited for with the next part, which may be long in coming.
    this.#sending.catch(() => undefined);
    hasher.update(bytes);
  }

  async commit({ digest, size }: BlobRef): Promise<BlobRef> {
    await this.#sending;
    const body = utf8(JSON.stringify({ digest, parts: this.#parts }));
    await this.#call({ method: 'POST', path: this.#path, headers: { 'content-type': 'application/json' }, body, workBytes: size, signal: this.#signal }, (ref) => ref.digest === digest);
    return { digest, size };
  }

  /** Never fails: what the server keeps of it, it sweeps. */
  async cancel(): Promise<void> {
    await this.#sending.catch(() => undefined);
    await this.#transport.call({ method: 'DELETE', path: this.#path, also: [404] }, async () => undefined).catch(() => undefined);
  }

  async #call(call: HttpCall, isExpected: (body: { readonly parts?: number; readonly digest?: string }) => boolean): Promise<void> {
    try {
      await this.#transport.call(call, (answer) => answer.json(isExpected));
    } catch (cause) {
      if (!isModelkeepError(cause, 'not-found')) throw cause;
      throw new StorageError('unavailable', `The server has lost the upload ${this.#path} under way, whose bytes are not here any more; write the blob again from a fresh source.`, { cause });
    }
  }
}

/** The bytes of a source in parts of the size that a server takes. Only the last, which may be empty, is smaller. */
async function* partsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<{ bytes: Uint8Array<ArrayBuffer>; last: boolean }> {
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      // Given out only when there is more, so that the last one is known to be it.
      if (held === maxPartBytes) {
        yield { bytes: concatBytes(parts), last: false };
        [parts, held] = [[], 0];
      }
      const part = new Uint8Array(chunk.subarray(at, at + maxPartBytes - held));
      parts.push(part);
      held += part.length;
      at += part.length;
    }
  }
  yield { bytes: concatBytes(parts), last: true };
}

/** The digest of bytes that are all there: by the host where it can, many times as fast. */
async function digestOfPart(bytes: Uint8Array<ArrayBuffer>): Promise<Digest> {
  const subtle = (globalThis as { crypto?: { subtle?: { digest(algorithm: string, bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> } } }).crypto?.subtle;
  return subtle ? `sha256:${toHex(new Uint8Array(await subtle.digest('SHA-256', bytes)))}` : digestOf(bytes);
}

function assertExpected(found: Digest, expected: Digest | undefined): void {
  if (expected === undefined || expected === found) return;
  throw new IntegrityError(`The blob was to be ${expected}, but its bytes hash to ${found}; nothing was kept.`, { key: expected, found });
}
