import { concatBytes, fromUtf8, utf8 } from '../bytes.ts';
import { ValidationError } from '../errors.ts';
import type { TensorType } from '../signature/model-signature.ts';
import { elementCount, type Tensor, type TensorValues } from './tensor.ts';
import { elementType, type ArrayMaker } from './tensor-types.ts';

const littleEndian = /* @__PURE__ */ (() => new Uint8Array(Uint16Array.of(1).buffer)[0] === 1)();

/**
 * The tensor that little-endian bytes are, texts each behind its length in 32 bits. Where the bytes lie as the host's numbers do they are not copied, so they must not change afterwards. Throws
 * `ValidationError` when they are not as many as the shape asks for; nothing is allocated before that is known.
 */
export function tensorOfBytes(dtype: TensorType, shape: readonly number[], bytes: Uint8Array, path: string): Tensor {
  const type = elementType(dtype);
  const count = elementCount(shape);
  if (type === undefined) throw new ValidationError(`${path} is of ${dtype}, which has no binary form here.`, { path });
  if (type.array === undefined) return { dtype, shape, data: textsOfBytes(bytes, count, path) };
  const size = type.array.BYTES_PER_ELEMENT;
  if (bytes.length !== count * size) {
    throw new ValidationError(`${path} has ${bytes.length} bytes; ${count} elements of ${type.wire} have ${count * size}.`, { path });
  }
  const data = arrayOfBytes(type.array, bytes);
  if (dtype === 'bool' && (data as Uint8Array).some((value) => value > 1)) throw new ValidationError(`${path} has a byte that is neither 0 nor 1, which no BOOL is.`, { path });
  return { dtype, shape, data };
}

/** The little-endian bytes of a tensor, which are those of its array where the host has the same order. */
export function bytesOfTensor({ dtype, data }: Tensor, path: string): Uint8Array {
  const type = elementType(dtype);
  if (type === undefined) throw new ValidationError(`${path} is of ${dtype}, which has no binary form here.`, { path });
  if (type.array === undefined) return bytesOfTexts(data as readonly (string | Uint8Array)[]);
  const { buffer, byteOffset, byteLength } = data as Uint8Array;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  return littleEndian || type.array.BYTES_PER_ELEMENT === 1 ? bytes : swapped(bytes, type.array.BYTES_PER_ELEMENT);
}

function arrayOfBytes(array: ArrayMaker, bytes: Uint8Array): TensorValues {
  const size = array.BYTES_PER_ELEMENT;
  const ordered = littleEndian || size === 1 ? bytes : swapped(bytes, size);
  const aligned = ordered.byteOffset % size === 0 ? ordered : ordered.slice();
  // A buffer of Node's keeps its class when it is sliced, and may then lie anywhere still.
  const placed = aligned.byteOffset % size === 0 ? aligned : concatBytes([aligned]);
  return new array(placed.buffer, placed.byteOffset, placed.length / size);
}

function swapped(bytes: Uint8Array, size: number): Uint8Array {
  const copy = concatBytes([bytes]);
  for (let at = 0; at < copy.length; at += size) copy.subarray(at, at + size).reverse();
  return copy;
}

function textsOfBytes(bytes: Uint8Array, count: number, path: string): (string | Uint8Array)[] {
  // Each has its length at least.
  if (count * 4 > bytes.length) throw new ValidationError(`${path} has ${bytes.length} bytes; ${count} elements of BYTES have at least ${count * 4}.`, { path });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const texts: (string | Uint8Array)[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const length = at + 4 <= bytes.length ? view.getUint32(at, true) : Infinity;
    if (length > bytes.length - at - 4) throw new ValidationError(`${path} ends within its element ${i}.`, { path });
    texts.push(textOf(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  if (at !== bytes.length) throw new ValidationError(`${path} has ${bytes.length - at} bytes behind its last element.`, { path });
  return texts;
}

/** The text that bytes are, or the bytes where they are none. */
export function textOf(bytes: Uint8Array): string | Uint8Array {
  try {
    return fromUtf8(bytes);
  } catch {
    return bytes;
  }
}

function bytesOfTexts(texts: readonly (string | Uint8Array)[]): Uint8Array {
  return concatBytes(
    texts.flatMap((text) => {
      const bytes = typeof text === 'string' ? utf8(text) : text;
      return [new Uint8Array(Uint32Array.of(bytes.length).buffer), bytes];
    }).map((bytes, i) => (i % 2 === 0 && !littleEndian ? swapped(bytes, 4) : bytes)),
  );
}
