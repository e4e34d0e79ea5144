import { utf8 } from '../../core/bytes.ts';
import { maskedCrc32c } from './crc32c.ts';

const initialBytes = 1 << 16;
/** What is around an event: its length and that length's checksum before it, its own checksum behind it. */
const [headBytes, tailBytes] = [12, 4];
/** The most that an event takes beside its texts. */
const fixedBytes = 64;

/** Writes TensorBoard events (protobuf `Event` messages in TFRecord frames) into a buffer that is used again. */
export class EventWriter {
  #bytes = new Uint8Array(initialBytes);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** Bytes that wait to be taken. */
  get size(): number {
    return this.#at;
  }

  /** What was written, and empties the buffer. */
  take(): Uint8Array<ArrayBuffer> {
    const written = this.#bytes.slice(0, this.#at);
    this.#at = 0;
    return written;
  }

  /** The event that every file begins with. `wallTime` is in seconds. */
  fileVersion(wallTime: number): void {
    const version = utf8('brain.Event:2');
    const start = this.#begin(wallTime, version.length);
    this.#field(3, version);
    this.#end(start);
  }

  /** One value of a metric, named by the UTF-8 bytes of its tag; it is kept as a 32-bit float, as TensorBoard has it. */
  scalar(wallTime: number, step: number, tag: Uint8Array, value: number): void {
    const start = this.#begin(wallTime, tag.length);
    if (step !== 0) {
      this.#byte((2 << 3) | 0);
      this.#int64(step);
    }
    const valueBytes = 1 + varintBytes(tag.length) + tag.length + 5;
    this.#byte((5 << 3) | 2);
    this.#int64(1 + varintBytes(valueBytes) + valueBytes);
    this.#byte((1 << 3) | 2);
    this.#int64(valueBytes);
    this.#field(1, tag);
    this.#byte((2 << 3) | 5);
    this.#view.setFloat32(this.#at, value, true);
    this.#at += 4;
    this.#end(start);
  }

  #begin(wallTime: number, texts: number): number {
    while (this.#at + headBytes + fixedBytes + texts + tailBytes > this.#bytes.length) this.#grow();
    const start = this.#at;
    this.#at += headBytes;
    this.#byte((1 << 3) | 1);
    this.#view.setFloat64(this.#at, wallTime, true);
    this.#at += 8;
    return start;
  }

  #end(start: number): void {
    const length = this.#at - start - headBytes;
    this.#view.setUint32(start, length, true);
    this.#view.setUint32(start + 4, 0, true);
    this.#view.setUint32(start + 8, maskedCrc32c(this.#bytes, start, start + 8), true);
    this.#view.setUint32(this.#at, maskedCrc32c(this.#bytes, start + headBytes, this.#at), true);
    this.#at += tailBytes;
  }

  #field(number: number, content: Uint8Array): void {
    this.#byte((number << 3) | 2);
    this.#int64(content.length);
    this.#bytes.set(content, this.#at);
    this.#at += content.length;
  }

  #byte(value: number): void {
    this.#bytes[this.#at++] = value;
  }

  /** A varint; a negative number is that of its 64-bit two's complement. */
  #int64(value: number): void {
    if (value < 0) {
      for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
        if (rest < 0x80n) return this.#byte(Number(rest));
        this.#byte(Number(rest & 0x7fn) | 0x80);
      }
    }
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.#byte((rest % 128) | 0x80);
    this.#byte(rest);
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : 1 + varintBytes(Math.floor(value / 128));
}
