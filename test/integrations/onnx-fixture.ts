/** A field of a protobuf message: a text, bytes, a message or a whole number. */
type Field = readonly [number: number, value: string | Uint8Array | number];

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

function message(...fields: readonly Field[]): Uint8Array {
  return Uint8Array.from(
    fields.flatMap(([number, value]) => {
      if (typeof value === 'number') return [...varint(number << 3), ...varint(value)];
      const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
      return [...varint((number << 3) | 2), ...varint(bytes.length), ...bytes];
    }),
  );
}

const float = 1;

function tensorInfo(name: string): Uint8Array {
  const shape = message([1, message([2, 'batch'])], [1, message([1, 2])]);
  return message([1, name], [2, message([1, message([1, float], [2, shape])])]);
}

/** An ONNX model of one node, y = x + w, whose w = [10, 20] lies in it, or outside as the first bytes of `external`. */
export function addModel(external?: string): Uint8Array {
  const inside: Field = [9, weights()];
  const outside: Field[] = external === undefined ? [] : [[13, message([1, 'location'], [2, external])], [13, message([1, 'offset'], [2, '0'])], [13, message([1, 'length'], [2, '8'])], [14, 1]];
  const w = message([1, 2], [2, float], [8, 'w'], ...(external === undefined ? [inside] : outside));
  const node = message([1, 'x'], [1, 'w'], [2, 'y'], [4, 'Add']);
  const graph = message([1, node], [2, 'add'], [5, w], [11, tensorInfo('x')], [12, tensorInfo('y')]);
  return message([1, 8], [7, graph], [8, message([2, 13])]);
}

/** The bytes of w. */
export function weights(): Uint8Array {
  return new Uint8Array(Float32Array.of(10, 20).buffer);
}
