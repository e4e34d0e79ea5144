import type { Key } from '../../core/key.ts';
import type { ListEntry, Version } from '../contract.ts';
import { grown } from './grown.ts';
import { KeyOrder } from './key-order.ts';
import { KeyTable } from './key-table.ts';
import { versionText, type VersionId } from './record-frame.ts';

/** Where the present value of a key lies, and its version. */
export interface Slot extends VersionId {
  /** Where its frame begins. */
  readonly position: number;
  /** Bytes of its frame. */
  readonly size: number;
  readonly valueLength: number;
  /** Whether its value was found damaged while the rest of its frame was whole. */
  readonly damaged: boolean;
  /** Whether the position is one in the file before. */
  readonly before: boolean;
}

const firstRows = 64;
const isDamaged = 1;
const isBefore = 2;
const wasListed = 4;
// So few rows are not worth clearing up.
const fewRows = 1024;
// Kept lines of a list take about 200 bytes each.
const mostLines = 1 << 18;

/** The slot of each key, in columns: about 70 bytes a key, none of them looked through by the garbage collector. A row is good until the next change. */
export class SlotTable {
  #keys = new KeyTable();
  #order = new KeyOrder(this.#keys);
  #generations = new Uint32Array(firstRows);
  #offsets = new Float64Array(firstRows);
  #nonces = new Uint32Array(firstRows);
  #positions = new Float64Array(firstRows);
  #sizes = new Uint32Array(firstRows);
  #valueLengths = new Uint32Array(firstRows);
  #marks = new Uint8Array(firstRows);
  /** Lines of lists that were asked for more than once, by row, so that who looks for changes again and again gets what it has already. */
  readonly #lines = new Map<number, ListEntry>();
  /** How many slots are damaged. */
  damaged = 0;
  /** How many slots lie in the file before. */
  before = 0;

  get size(): number {
    return this.#keys.size;
  }

  /** The row of a key, or -1. */
  find(key: Key): number {
    return this.#keys.find(key);
  }

  /** The row of the key that `bytes` hold from `start` to `end`, or -1. */
  findIn(bytes: Uint8Array, start: number, end: number): number {
    return this.#keys.findIn(bytes, start, end);
  }

  get(key: Key): Slot | undefined {
    const row = this.#keys.find(key);
    return row < 0 ? undefined : this.at(row);
  }

  at(row: number): Slot {
    return {
      generation: this.#generations[row]!,
      offset: this.#offsets[row]!,
      nonce: this.#nonces[row]!,
      position: this.#positions[row]!,
      size: this.#sizes[row]!,
      valueLength: this.#valueLengths[row]!,
      damaged: (this.#marks[row]! & isDamaged) !== 0,
      before: (this.#marks[row]! & isBefore) !== 0,
    };
  }

  version(row: number): Version {
    return versionText({ generation: this.#generations[row]!, offset: this.#offsets[row]!, nonce: this.#nonces[row]! });
  }

  valueLength(row: number): number {
    return this.#valueLengths[row]!;
  }

  key(row: number): Key {
    return this.#keys.key(row);
  }

  /** The line of a row in a list: from the third time on the same object, while its value stays and not too many are kept. */
  line(row: number): ListEntry {
    const kept = this.#lines.get(row);
    if (kept !== undefined) return kept;
    const line = { key: this.#keys.key(row), version: this.version(row), size: this.#valueLengths[row]! };
    // Whoever goes through everything once would only fill the memory.
    if ((this.#marks[row]! & wasListed) === 0) this.#marks[row]! |= wasListed;
    else if (this.#lines.size < mostLines) this.#lines.set(row, Object.freeze(line));
    return line;
  }

  position(row: number): number {
    return this.#positions[row]!;
  }

  frameSize(row: number): number {
    return this.#sizes[row]!;
  }

  isAt(row: number, version: VersionId): boolean {
    return this.#offsets[row] === version.offset && this.#generations[row] === version.generation && this.#nonces[row] === version.nonce;
  }

  /** Makes room for as many rows, to save growing step by step. */
  reserve(rows: number): void {
    if (rows <= this.#sizes.length) return;
    this.#keys.reserve(rows);
    this.#grow(rows);
  }

  /** A row for the key that `bytes` hold from `start` to `end` and that is not there yet. */
  add(bytes: Uint8Array, start: number, end: number): number {
    const row = this.#keys.add(bytes, start, end);
    if (row === this.#sizes.length) this.#grow(row * 2);
    return row;
  }

  set(row: number, version: VersionId, position: number, size: number, valueLength: number, damaged: boolean): void {
    this.#mark(row, damaged ? isDamaged : 0);
    this.#lines.delete(row);
    this.#generations[row] = version.generation;
    this.#offsets[row] = version.offset;
    this.#nonces[row] = version.nonce;
    this.#positions[row] = position;
    this.#sizes[row] = size;
    this.#valueLengths[row] = valueLength;
  }

  remove(row: number): void {
    this.#mark(row, 0);
    this.#lines.delete(row);
    this.#keys.remove(row);
    if (this.#keys.rows > fewRows && this.#keys.size * 2 < this.#keys.rows) this.#clearUp();
  }

  /** Takes note that from now on another file follows, and all positions are ones in the file before. */
  leave(): void {
    for (let row = 0; row < this.#keys.rows; row++) if (this.#keys.has(row)) this.#mark(row, isBefore);
  }

  /** Where the value of a slot that lies in the file before is to be found in this one. Gives by how many bytes its frame is larger. */
  move(row: number, position: number, size: number): number {
    const larger = size - this.#sizes[row]!;
    this.#mark(row, 0);
    this.#positions[row] = position;
    this.#sizes[row] = size;
    return larger;
  }

  isBefore(row: number): boolean {
    return (this.#marks[row]! & isBefore) !== 0;
  }

  /** The keys in no order. */
  *keys(): Generator<Key, void, undefined> {
    for (let row = 0; row < this.#keys.rows; row++) if (this.#keys.has(row)) yield this.#keys.key(row);
  }

  /** The rows of keys that are not less than `start`, ascending by key. */
  from(start: Key): Generator<number, void, undefined> {
    return this.#order.from(start);
  }

  #mark(row: number, marks: number): void {
    const old = this.#marks[row]!;
    this.damaged += (marks & isDamaged) - (old & isDamaged);
    this.before += ((marks & isBefore) - (old & isBefore)) / isBefore;
    this.#marks[row] = marks;
  }

  #grow(rows: number): void {
    this.#generations = grown(this.#generations, rows);
    this.#offsets = grown(this.#offsets, rows);
    this.#nonces = grown(this.#nonces, rows);
    this.#positions = grown(this.#positions, rows);
    this.#sizes = grown(this.#sizes, rows);
    this.#valueLengths = grown(this.#valueLengths, rows);
    this.#marks = grown(this.#marks, rows);
  }

  /** Leaves out the empty rows. */
  #clearUp(): void {
    const old = this.#keys;
    this.#lines.clear();
    this.#keys = new KeyTable();
    this.#order = new KeyOrder(this.#keys);
    for (let row = 0; row < old.rows; row++) {
      if (!old.has(row)) continue;
      const key = Buffer.from(old.key(row), 'latin1');
      this.#moveRow(row, this.#keys.add(key, 0, key.length));
    }
    // Rows that are given out anew must not count as what they were before.
    this.#marks.fill(0, this.#keys.rows, old.rows);
  }

  #moveRow(from: number, to: number): void {
    this.#generations[to] = this.#generations[from]!;
    this.#offsets[to] = this.#offsets[from]!;
    this.#nonces[to] = this.#nonces[from]!;
    this.#positions[to] = this.#positions[from]!;
    this.#sizes[to] = this.#sizes[from]!;
    this.#valueLengths[to] = this.#valueLengths[from]!;
    this.#marks[to] = this.#marks[from]!;
  }
}
