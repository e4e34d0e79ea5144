import { throwIfAborted } from '../../core/abort.ts';
import { chunksOfStream } from '../../core/content.ts';
import { createHasher, type Digest } from '../../core/digest.ts';
import { IntegrityError, ValidationError } from '../../core/errors.ts';
import type { TfjsArtifacts, TfjsWeightSpec } from './tfjs-artifacts.ts';

/** The weights of a model that is saved. */
export interface ModelWeights {
  /** How many bytes there are. */
  readonly bytes: number;
  /** Digest of all bytes in order, whatever the weights are called. */
  readonly digest: Digest;
  /** Contents by path, as the converters of TensorFlow.js name and cut them. */
  shards(shardBytes: number): [path: string, content: AsyncIterable<Uint8Array>][];
}

const chunkBytes = 1024 * 1024;
const elementBytes: ReadonlyMap<string, number> = /* @__PURE__ */ new Map([['float32', 4], ['int32', 4], ['bool', 1], ['complex64', 8], ['uint8', 1], ['uint16', 2], ['float16', 2]]);

/** How many bytes weights take, or `undefined` when their elements are texts, which take what they take. */
export function bytesOfSpecs(specs: readonly TfjsWeightSpec[]): number | undefined {
  let sum = 0;
  for (const { shape, dtype, quantization } of specs) {
    const each = elementBytes.get(quantization?.dtype ?? dtype);
    if (each === undefined) return undefined;
    sum += shape.reduce((product, size) => product * size, each);
  }
  return sum;
}

/**
 * The weights of artifacts, read once to learn their digest before they are stored: a version tells it from the beginning. A stream is opened a second time for that, so that
 * no more than a chunk of it is in memory.
 */
export async function weightsOf(artifacts: TfjsArtifacts, signal: AbortSignal | undefined): Promise<ModelWeights | undefined> {
  const { weightData, getWeightStream, weightSpecs } = artifacts;
  if (weightData === undefined && getWeightStream === undefined) return undefined;
  if (!Array.isArray(weightSpecs)) throw new ValidationError('artifacts.weightSpecs is missing: nothing tells what stands in the weights.', { path: 'artifacts.weightSpecs' });
  const buffers = weightData === undefined ? undefined : (Array.isArray(weightData) ? weightData : [weightData]).map(viewOf);
  const hasher = createHasher();
  let bytes = 0;
  for await (const chunk of buffers ?? viewsOfStream(getWeightStream!())) {
    throwIfAborted(signal, 'Saving a model');
    hasher.update(chunk);
    bytes += chunk.length;
  }
  const expected = bytesOfSpecs(weightSpecs);
  if (expected !== undefined && expected !== bytes) {
    throw new ValidationError(`artifacts.weightData has ${bytes} bytes where its weightSpecs take ${expected}; of a Buffer that lies in a larger ArrayBuffer, give the slice.`, { path: 'artifacts.weightData' });
  }
  const digest = hasher.digest();
  return {
    bytes,
    digest,
    shards(shardBytes) {
      const count = Math.ceil(bytes / shardBytes);
      const named = (content: AsyncIterable<Uint8Array>, i: number): [string, AsyncIterable<Uint8Array>] => [`group1-shard${i + 1}of${count}.bin`, content];
      const ranges = Array.from({ length: count }, (_, i) => ({ start: i * shardBytes, end: Math.min((i + 1) * shardBytes, bytes) }));
      if (buffers) return ranges.map(({ start, end }, i) => named(rangeOf(buffers, start, end), i));
      return cutStream(() => viewsOfStream(getWeightStream!()), ranges.map(({ start, end }) => end - start), digest).map(named);
    },
  };
}

/** The bytes of one array or view: of a Buffer in a pool, only its own. */
function viewOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer || Object.prototype.toString.call(data) === '[object ArrayBuffer]') return new Uint8Array(data);
  throw new ValidationError('artifacts.weightData is neither an ArrayBuffer nor an array of them.', { path: 'artifacts.weightData' });
}

/** A part of what lies in several arrays, in copies of its own, so that a model that trains on tears no file. */
async function* rangeOf(buffers: readonly Uint8Array[], start: number, end: number): AsyncGenerator<Uint8Array> {
  let base = 0;
  for (const buffer of buffers) {
    const last = Math.min(end - base, buffer.length);
    for (let at = Math.max(0, start - base); at < last; at += chunkBytes) yield buffer.slice(at, Math.min(at + chunkBytes, last));
    base += buffer.length;
  }
}

/**
 * One stream cut into several that are read one behind the other, however many are opened at once: each waits for its turn. The last one throws unless the bytes of all
 * are those of `digest`.
 */
function cutStream(open: () => AsyncIterable<Uint8Array>, sizes: readonly number[], digest: Digest): AsyncIterable<Uint8Array>[] {
  const hasher = createHasher();
  const changed = (): IntegrityError => new IntegrityError('artifacts.getWeightStream gave other weights when it was called again; give a function that streams the same bytes each time.', { path: 'artifacts.getWeightStream' });
  let source: AsyncIterator<Uint8Array> | undefined;
  let rest: Uint8Array = new Uint8Array(0);
  const turns = sizes.map(newTurn);
  turns[0]?.begin();
  return sizes.map(async function* (size, i): AsyncGenerator<Uint8Array> {
    let done = false;
    try {
      await turns[i]!.begun;
      source ??= open()[Symbol.asyncIterator]();
      for (let left = size; left > 0; ) {
        if (rest.length === 0) {
          const next = await source.next();
          if (next.done) throw changed();
          rest = next.value;
          continue;
        }
        const chunk = rest.subarray(0, left);
        rest = rest.subarray(chunk.length);
        left -= chunk.length;
        hasher.update(chunk);
        yield chunk;
      }
      if (i === sizes.length - 1 && hasher.digest() !== digest) throw changed();
      done = true;
    } finally {
      const next = turns[i + 1];
      if (done) next?.begin();
      else next?.refuse(new ValidationError('The shard before this one was not stored.'));
      if (!done || next === undefined) await source?.return?.();
    }
  });
}

interface Turn {
  readonly begun: Promise<void>;
  readonly begin: () => void;
  readonly refuse: (reason: Error) => void;
}

function newTurn(): Turn {
  let [begin, refuse]: [Turn['begin'], Turn['refuse']] = [() => undefined, () => undefined];
  const begun = new Promise<void>((resolve, reject) => ([begin, refuse] = [resolve, reject]));
  // Nobody may be waiting for it when it is refused.
  begun.catch(() => undefined);
  return { begun, begin, refuse };
}

async function* viewsOfStream(stream: ReadableStream<ArrayBuffer>): AsyncGenerator<Uint8Array> {
  for await (const piece of chunksOfStream(stream)) yield viewOf(piece);
}
