import { randomBytes } from 'node:crypto';
import type { Key } from '../../core/key.ts';
import { grown } from './grown.ts';

const firstRows = 64;
const empty = -1;

/**
 * A set of keys, each in a row of its own, kept as bytes in a few large arrays: a million keys are a few dozen megabytes that the garbage collector need not look
 * through. Rows are counted up from 0; that of a removed key stays empty.
 */
export class KeyTable {
  // So that nobody can choose keys that all fall into one place.
  readonly #seed: number = randomBytes(4).readInt32LE(0);
  #bytes: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(firstRows * 32);
  #end = 0;
  #starts = new Uint32Array(firstRows);
  #lengths = new Uint16Array(firstRows);
  #hashes = new Int32Array(firstRows);
  /** Open addressing: the row in each place, or `empty`. */
  #places = new Int32Array(firstRows * 2).fill(empty);
  #rows = 0;
  #size = 0;
  #scratch = new Uint8Array(64);

  /** How many rows were given out. */
  get rows(): number {
    return this.#rows;
  }

  /** How many keys there are. */
  get size(): number {
    return this.#size;
  }

  has(row: number): boolean {
    return this.#lengths[row] !== 0;
  }

  key(row: number): Key {
    const start = this.#starts[row]!;
    return this.#bytes.toString('latin1', start, start + this.#lengths[row]!);
  }

  length(row: number): number {
    return this.#lengths[row]!;
  }

  /** A byte of a key, or 0 behind its end. */
  byteAt(row: number, index: number): number {
    return index < this.#lengths[row]! ? this.#bytes[this.#starts[row]! + index]! : 0;
  }

  /** The row of a key, or -1. */
  find(key: Key): number {
    if (key.length > this.#scratch.length) this.#scratch = new Uint8Array(key.length * 2);
    for (let i = 0; i < key.length; i++) this.#scratch[i] = key.charCodeAt(i);
    return this.findIn(this.#scratch, 0, key.length);
  }

  /** The row of the key that `bytes` hold from `start` to `end`, or -1. */
  findIn(bytes: Uint8Array, start: number, end: number): number {
    const hash = this.#hash(bytes, start, end);
    const mask = this.#places.length - 1;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const row = this.#places[place]!;
      if (row === empty || (this.#hashes[row] === hash && this.#holds(row, bytes, start, end))) return row;
    }
  }

  /** Gives a row to the key that `bytes` hold from `start` to `end` and that is not there yet. */
  add(bytes: Uint8Array, start: number, end: number): number {
    const row = this.#rows;
    this.#makeRoom(end - start);
    const hash = this.#hash(bytes, start, end);
    this.#starts[row] = this.#end;
    this.#lengths[row] = end - start;
    this.#hashes[row] = hash;
    for (let i = start; i < end; i++) this.#bytes[this.#end++] = bytes[i]!;
    this.#putInPlace(row, hash);
    this.#rows++;
    this.#size++;
    return row;
  }

  /** Removes the key of a row. Its place stays taken, by a row that equals nothing. */
  remove(row: number): void {
    this.#lengths[row] = 0;
    this.#size--;
  }

  #holds(row: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#lengths[row] !== end - start) return false;
    for (let i = start, own = this.#starts[row]!; i < end; i++, own++) if (this.#bytes[own] !== bytes[i]) return false;
    return true;
  }

  #putInPlace(row: number, hash: number): void {
    const mask = this.#places.length - 1;
    let place = hash & mask;
    while (this.#places[place] !== empty) place = (place + 1) & mask;
    this.#places[place] = row;
  }

  #makeRoom(keyLength: number): void {
    if (this.#end + keyLength > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow((this.#end + keyLength) * 2);
      this.#bytes.copy(larger, 0, 0, this.#end);
      this.#bytes = larger;
    }
    if (this.#rows === this.#starts.length) this.reserve(this.#rows * 2);
  }

  /** Makes room for as many rows, to save growing step by step. */
  reserve(rows: number): void {
    if (rows <= this.#starts.length) return;
    this.#starts = grown(this.#starts, rows);
    this.#lengths = grown(this.#lengths, rows);
    this.#hashes = grown(this.#hashes, rows);
    // At most half of the places are taken.
    const places = 2 ** Math.ceil(Math.log2(rows * 2));
    if (places <= this.#places.length) return;
    this.#places = new Int32Array(places).fill(empty);
    for (let row = 0; row < this.#rows; row++) if (this.has(row)) this.#putInPlace(row, this.#hashes[row]!);
  }

  // FNV-1a (Fowler, Noll, Vo) from a random start, its high bits folded into the low ones that choose the place.
  #hash(bytes: Uint8Array, start: number, end: number): number {
    let hash = this.#seed;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    return hash ^ (hash >>> 15);
  }
}
