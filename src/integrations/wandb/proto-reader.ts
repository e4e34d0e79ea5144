const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Goes over the fields of a protobuf message, one after the other: after `next()`, `field` is the number of the field, and its value is `number` where it is a varint, or is `bytes`, `text()` or `message()` where it has a length.
 * Throws `RangeError` when the bytes are no message.
 */
export class ProtoReader {
  /** The number of the field. */
  field = 0;
  /** Its value where it is a varint (as a signed 64-bit integer, as near as a double comes), else its length. */
  number = 0;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  #from = 0;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Goes to the next field; false behind the last one. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.#varint();
    this.field = Math.floor(tag / 8);
    const wire = tag % 8;
    this.#from = this.#at;
    if (wire === 0) this.number = this.#varint();
    else if (wire === 2) {
      this.number = this.#varint();
      this.#from = this.#at;
      this.#skip(this.number);
    } else if (wire === 1) this.#skip((this.number = 8));
    else if (wire === 5) this.#skip((this.number = 4));
    else throw new RangeError(`wire type ${wire}`);
    return true;
  }

  /** The text of the field. */
  text(): string {
    return decoder.decode(this.#bytes.subarray(this.#from, this.#at));
  }

  /** The fields of the message that the field is. */
  message(): ProtoReader {
    return new ProtoReader(this.#bytes, this.#from, this.#at);
  }

  #skip(bytes: number): void {
    this.#at += bytes;
    if (!(bytes >= 0) || this.#at > this.#end) throw new RangeError('a field beyond the message');
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (this.#at >= this.#end) throw new RangeError('a number beyond the message');
      const byte = this.#bytes[this.#at++]!;
      // Ten bytes are a negative number, whose low half alone is exact enough to be kept.
      if (i === 9) return this.#negative();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new RangeError('a number of more than 64 bits');
  }

  #negative(): number {
    let value = 0n;
    for (let i = 0; i < 10; i++) value |= BigInt(this.#bytes[this.#at - 10 + i]! & 0x7f) << BigInt(7 * i);
    return Number(BigInt.asIntN(64, value));
  }
}
