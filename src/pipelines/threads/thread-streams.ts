import { isContentStream } from '../../core/content.ts';
import type { Digest } from '../../core/digest.ts';
import type { ReadStreamedOptions, StreamedOutput } from '../streamed-output.ts';
import { thrownRecord, type ThrownRecord } from '../../core/threads/thrown-record.ts';

/** An end of a channel, as Node and pages both have it; their types differ. */
export interface StreamPort {
  onmessage: ((event: { readonly data: Asked }) => void) | null;
  postMessage(message: unknown, moved: readonly object[]): void;
  close(): void;
}

/** A streamed output that a thread is given: where it belongs among the inputs, and where to ask for its bytes. */
export interface SentStream {
  readonly path: readonly [input: string] | readonly [input: string, item: number];
  readonly digest: Digest;
  readonly size: number;
  readonly port: StreamPort;
}

/** Inputs as they are sent to a thread: in the places of streamed outputs there is nothing. */
export interface SentInputs {
  readonly inputs: unknown;
  readonly streams: readonly SentStream[];
  /** When nothing is read any more. */
  readonly close: () => void;
}

/** Takes the streamed outputs out of inputs, and answers a thread that wants to read them. */
export function sendInputs(inputs: unknown): SentInputs {
  const streams: SentStream[] = [];
  const opened: StreamPort[] = [];
  const send = (value: unknown, path: SentStream['path']): unknown => {
    if (!isStreamedOutput(value)) return value;
    const { port1, port2 } = new MessageChannel() as unknown as Record<'port1' | 'port2', StreamPort>;
    serve(value, port1);
    opened.push(port1);
    streams.push({ path, digest: value.digest, size: value.size, port: port2 });
    return null;
  };
  const sent = Object.entries(inputs ?? {}).map(([name, value]) => [name, Array.isArray(value) ? value.map((item: unknown, i) => send(item, [name, i])) : send(value, [name])] as const);
  return { inputs: streams.length > 0 ? Object.fromEntries(sent) : inputs, streams, close: () => opened.forEach((port) => port.close()) };
}

function isStreamedOutput(value: unknown): value is StreamedOutput {
  return isContentStream(value) && typeof (value as Partial<StreamedOutput>).read === 'function' && typeof (value as Partial<StreamedOutput>).digest === 'string';
}

/** What a thread asks for. */
interface Asked {
  readonly id: number;
  readonly range: ReadStreamedOptions['range'];
}

function serve(output: StreamedOutput, port: StreamPort): void {
  port.onmessage = ({ data: { id, range } }) => {
    const stream = readableOf(output.read({ range }));
    port.postMessage({ id, stream }, [stream]);
  };
}

/** The last piece of a stream that fails: an error that a stream passes on to a thread by itself is a clone, without its code. */
interface FailedPiece {
  readonly thrown: ThrownRecord;
}

function readableOf(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array | FailedPiece> {
  const pieces = source[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array | FailedPiece>(
    {
      async pull(controller) {
        try {
          const next = await pieces.next();
          if (next.done !== true) return controller.enqueue(next.value);
        } catch (error) {
          controller.enqueue({ thrown: thrownRecord(error) });
        }
        controller.close();
      },
      async cancel() {
        await pieces.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * What a thread's function puts out as a stream, piece by piece.
 *
 * @param ended - Settles as the call of the function does: what the function throws amid the stream is thrown here, and so is that its thread has ended.
 */
export async function* receive(stream: ReadableStream<Uint8Array | string>, ended: Promise<unknown>): AsyncGenerator<Uint8Array | string> {
  const broken = ended.then(() => new Promise<never>(() => undefined));
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), broken]);
      if (done) break;
      yield value;
    }
  } catch (error) {
    // What was thrown in the thread comes whole by the other way.
    await ended;
    throw error;
  } finally {
    await Promise.race([reader.cancel().catch(() => undefined), ended.catch(() => undefined)]);
  }
  await ended;
}
