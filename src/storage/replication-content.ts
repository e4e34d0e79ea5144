import { utf8 } from '../core/bytes.ts';
import { createHasher, type Digest } from '../core/digest.ts';

/** What a record says, apart from its version. */
export interface RecordContent {
  /** Its bytes. */
  readonly bytes: Uint8Array;
  /** The blobs that it names. */
  readonly blobs: readonly Digest[];
}

/** The print of a record that is not there. */
const absentPrint = '-';

/** 96 bits of SHA-256 over what a record says: enough to know one's own write again. */
export function contentPrint(content: RecordContent | undefined): string {
  if (content === undefined) return absentPrint;
  const hasher = createHasher();
  hasher.update(content.bytes);
  hasher.update(utf8(`\n${[...content.blobs].sort().join()}\n${content.blobs.length}`));
  return hasher.digest().slice('sha256:'.length, 'sha256:'.length + 24);
}

/** Whether two records, or their absence, say the same. */
export function sameContent(a: RecordContent | undefined, b: RecordContent | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return sameBytes(a.bytes, b.bytes) && [...a.blobs].sort().join() === [...b.blobs].sort().join();
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A quick print, of 64 bits, of a sequence of texts: cyrb53 by bryc (public domain) with all of both its halves. Not for secrets, nor against who means harm. */
export class SequencePrint {
  #high = 0xdeadbeef;
  #low = 0x41c6ce57;

  add(text: string): void {
    let high = this.#high;
    let low = this.#low;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      high = Math.imul(high ^ code, 2_654_435_761);
      low = Math.imul(low ^ code, 1_597_334_677);
    }
    // Separates the texts, and stirs the upper bits down, where a multiplication alone never brings them.
    this.#high = Math.imul(high ^ (high >>> 16) ^ 0x1f, 2_246_822_507);
    this.#low = Math.imul(low ^ (low >>> 13) ^ 0x1f, 3_266_489_909);
  }

  /** The print so far. */
  text(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0');
  }
}
