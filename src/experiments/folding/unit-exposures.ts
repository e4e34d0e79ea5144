import type { StringColumn } from '../../core/column.ts';
import { isPresent } from '../../core/column.ts';
import { ValueHasher } from '../../stats/sketches/hash-value.ts';
import type { ReadBatch } from '../recording/event-batch.ts';
import { extended, HashIndex } from './hash-index.ts';

/** Stands for a unit that was not exposed. */
export const unexposed = 0xffff;
/** Stands for a unit that was exposed to several variants. */
export const crossed = 0xfffe;

/** The values of a segment, in the order in which they came, and which one each unit has. */
interface SegmentCodes {
  readonly codeOf: Map<string, number>;
  readonly texts: string[];
  codes: Int32Array;
}

/**
 * The units of a test: to which variant each was exposed, when first, and with which attributes then; about 37 bytes a unit and 4 for each segment. What comes again, and in which order exposures come, makes no difference.
 */
export class UnitExposures {
  readonly index: HashIndex = new HashIndex();
  readonly segments: ReadonlyMap<string, SegmentCodes>;
  /** The index of each unit's variant, {@link unexposed} or {@link crossed}. */
  variants: Uint16Array<ArrayBuffer>;
  /** When each was first exposed, epoch milliseconds. */
  firstAt: Float64Array<ArrayBuffer>;
  /** By which of the weights of the test each came, by their place. */
  epochs: Uint16Array<ArrayBuffer>;
  /** 1 for a unit that was exposed to a variant that the test does not have. */
  strange: Uint8Array<ArrayBuffer>;
  readonly #variantOf: ReadonlyMap<string, number>;
  readonly #hasher = new ValueHasher();

  constructor(variants: readonly string[], segments: readonly string[]) {
    this.#variantOf = new Map(variants.map((name, i) => [name, i]));
    const { length } = this.index.high;
    this.variants = new Uint16Array(length).fill(unexposed);
    this.firstAt = new Float64Array(length).fill(Infinity);
    this.epochs = new Uint16Array(length);
    this.strange = new Uint8Array(length);
    this.segments = new Map(segments.map((name) => [name, { codeOf: new Map(), texts: [], codes: new Int32Array(length).fill(-1) }]));
  }

  /** The numbers of the units of a column, new ones added, by their codes there. */
  numbersOf({ dictionary }: StringColumn): Uint32Array {
    const numbers = new Uint32Array(dictionary.length);
    for (let i = 0; i < dictionary.length; i++) {
      this.#hasher.hash(dictionary[i]!);
      numbers[i] = this.index.add(this.#hasher.high, this.#hasher.low);
    }
    this.#reserve();
    return numbers;
  }

  /** Takes in exposures. */
  add(batch: ReadBatch & { readonly kind: 'exposures' }): void {
    const numbers = this.numbersOf(batch.units);
    const variants = Int32Array.from(batch.variants.dictionary, (name) => this.#variantOf.get(name) ?? -1);
    const segments = [...this.segments].map(([name, { codeOf, texts, codes }]) => {
      const column = batch.segment(name);
      return { texts, codes, column, known: column && Int32Array.from(column.dictionary, (text) => codeOf.get(text) ?? newCode(text, codeOf, texts)) };
    });
    for (let row = 0; row < batch.rows; row++) {
      const unit = numbers[batch.units.values[row]!]!;
      const variant = variants[batch.variants.values[row]!]!;
      if (variant < 0) {
        this.strange[unit] = 1;
        continue;
      }
      const before = this.variants[unit]!;
      if (before === unexposed) this.variants[unit] = variant;
      else if (before !== variant) this.variants[unit] = crossed;
      const at = batch.times[row]!;
      const first = this.firstAt[unit]!;
      if (at > first) continue;
      this.firstAt[unit] = at;
      const epoch = batch.epochs?.[row] ?? 0;
      this.epochs[unit] = at < first ? epoch : Math.min(epoch, this.epochs[unit]!);
      for (const { texts, codes, column, known } of segments) {
        const code = column !== undefined && isPresent(column, row) ? known![column.values[row]!]! : -1;
        codes[unit] = at < first ? code : lesser(codes[unit]!, code, texts);
      }
    }
  }

  #reserve(): void {
    const { length } = this.index.high;
    const before = this.variants.length;
    if (before === length) return;
    this.variants = extended(this.variants, new Uint16Array(length).fill(unexposed));
    this.firstAt = extended(this.firstAt, new Float64Array(length).fill(Infinity));
    this.epochs = extended(this.epochs, new Uint16Array(length));
    this.strange = extended(this.strange, new Uint8Array(length));
    for (const segment of this.segments.values()) segment.codes = extended(segment.codes, new Int32Array(length).fill(-1));
  }
}

function newCode(text: string, codeOf: Map<string, number>, texts: string[]): number {
  const code = texts.push(text) - 1;
  codeOf.set(text, code);
  return code;
}

/** Of two exposures at one moment the one that says more, and else the lesser text counts, whichever came first. */
function lesser(a: number, b: number, texts: readonly string[]): number {
  if (a < 0 || b < 0) return Math.max(a, b);
  return texts[b]! < texts[a]! ? b : a;
}
