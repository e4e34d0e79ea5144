/**
 * What is appended behind the seal of a record file about the file that follows it: whoever has read the sealed one knows what stands before `end` in the next,
 * and need only learn where. A hint: without it the next file is read from its beginning.
 */
export interface Handover {
  /** The salt of the next file, by which it is known to be the one that is meant. */
  readonly salt: Buffer;
  /** Where that file ended when it got its name. */
  readonly end: number;
  /** How far it was vouched for then. */
  readonly vouchedTo: number;
  /** The counter of its last frame. */
  readonly counter: number;
}

const saltBytes = 8;
const handoverBytes = saltBytes + 6 + 6 + 4;

export function encodeHandover({ salt, end, vouchedTo, counter }: Handover): Buffer {
  const bytes = Buffer.alloc(handoverBytes);
  salt.copy(bytes);
  bytes.writeUInt32LE(counter, bytes.writeUIntLE(vouchedTo, bytes.writeUIntLE(end, saltBytes, 6), 6));
  return bytes;
}

export function decodeHandover(bytes: Buffer): Handover | undefined {
  if (bytes.length !== handoverBytes) return undefined;
  return {
    salt: Buffer.from(bytes.subarray(0, saltBytes)),
    end: bytes.readUIntLE(saltBytes, 6),
    vouchedTo: bytes.readUIntLE(saltBytes + 6, 6),
    counter: bytes.readUInt32LE(saltBytes + 12),
  };
}
