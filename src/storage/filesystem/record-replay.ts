import { IntegrityError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { WriteResult } from '../contract.ts';
import { fileHeaderBytes } from './file-header.ts';
import type { Handover } from './handover.ts';
import { decodeClaim, frameHeaderBytes, frameKinds, isMetaSound, isValueSound, parseFrameHeader, type FrameHeader, type VersionId } from './record-frame.ts';
import { RecordState } from './record-state.ts';
import { decodeVouch, hashKey, hashKeyIn, vouchesFor, type Span, type Vouch } from './vouch.ts';

/** A place where no whole frame could be read although whole ones follow. */
export interface Breach extends Span {
  /** The frame there, when all but its value is whole. */
  readonly frame?: { readonly header: FrameHeader; readonly meta: Buffer } | undefined;
}

/** What `feed` came to: all was taken, this many bytes from the end are wanted, or there is a breach to judge. */
export type Fed = { readonly need: number } | { readonly breach: Breach } | undefined;

/** Who asks, and is told of the results of its own writes. */
export interface OwnWriter {
  readonly nonce: number;
  readonly onOwn: (counter: number, result: WriteResult, end: number) => void;
}

interface Damage extends Span {
  /** Hashes of the keys that may be meant; `undefined` when it could be any. */
  readonly suspects: ReadonlySet<number> | undefined;
}

const searchStep = 1 << 20;
const maxShared = 4;

/** Reads the bytes of one record file in order, and keeps what they come to. Everyone who reads the same bytes comes to the same. */
export class RecordReplay {
  readonly state: RecordState;
  readonly generation: number;
  readonly salt: Buffer;
  /** How far the file has been read. */
  end: number = fileHeaderBytes;
  /** Whether the seal was seen: nothing behind it counts. */
  sealed = false;
  /** Whether someone vouched for what was skipped here: the file must be read anew. */
  contradicted = false;
  vouchedTo: number = fileHeaderBytes;
  /** Writes that never finished. */
  readonly gaps: Span[] = [];
  /** Where gaps and damages begin, and where they end. */
  readonly skipped: Map<number, number> = new Map();
  /** Up to where the last word holds that someone is about to replace the file. */
  claimedTo = 0;
  readonly #damages: Damage[] = [];
  readonly #deletedAt = new Map<Key, number>();
  readonly #counters = new Map<number, number>();
  readonly #path: string;
  readonly #own: OwnWriter;
  /** Bytes of all frames that have a key. */
  #keyedBytes = 0;
  #unvouchedOffsets: number[] = [];
  #unvouchedHashes: number[] = [];

  /** `own` is told the result of each write that carries its nonce. With `from`, a sealed file is gone on with in its successor, whose beginning holds what that came to. */
  constructor(file: { path: string; generation: number; salt: Buffer }, own: OwnWriter, from?: { replay: RecordReplay; handover: Handover }) {
    this.#path = file.path;
    this.generation = file.generation;
    this.salt = file.salt;
    this.#own = own;
    this.state = from?.replay.state ?? new RecordState();
    if (from === undefined) return;
    this.state.slots.leave();
    this.end = from.handover.end;
    this.vouchedTo = from.handover.vouchedTo;
    this.#counters.set(0, from.handover.counter);
  }

  /** Takes the frames of `window`, which begins at `end`; `last` says that the file ends with it. */
  feed(window: Buffer, last: boolean): Fed {
    const start = this.end;
    while (!this.sealed) {
      const at = this.end - start;
      if (at === window.length && last) return undefined;
      const header = this.#freshHeader(window, at);
      if (header !== undefined && at + header.size <= window.length) {
        const end = at + header.size;
        const metaSound = isMetaSound(window, at, header);
        if (metaSound && isValueSound(window, at, header)) {
          const overlapped = this.#isOverlapped(window, end, last);
          if (overlapped === undefined) return { need: header.size + this.salt.length + frameHeaderBytes };
          if (!overlapped) {
            this.#apply(header, window, at + frameHeaderBytes, false);
            continue;
          }
        }
        const meta = metaSound ? Buffer.from(window.subarray(at + frameHeaderBytes, at + frameHeaderBytes + header.metaLength)) : undefined;
        return this.#breach(window, at, last, meta && { header, meta });
      }
      if (!last) return { need: header?.size ?? window.length - at + searchStep };
      if (window.length - at < frameHeaderBytes && header === undefined) return undefined;
      return this.#breach(window, at, last, undefined);
    }
    return undefined;
  }

  /** Goes on behind a breach. What nobody of `vouches`, all those behind it, vouches for never was a frame; anything else is damage. */
  pass(breach: Breach, vouches: readonly Vouch[]): void {
    const { from, to, frame } = breach;
    if (!vouches.some((vouch) => vouchesFor(vouch, from))) {
      this.gaps.push({ from, to });
      this.#skip(to);
    } else if (frame !== undefined && from + frame.header.size === to) {
      this.#apply(frame.header, frame.meta, 0, true);
    } else {
      this.#damages.push({ from, to, suspects: suspectsIn(breach, vouches) });
      this.#skip(to);
    }
  }

  /** A vouch for all that was read up to `to`. */
  vouchFor(to: number): Vouch {
    const count = this.#unvouchedBefore(to);
    const frames = Array.from({ length: count }, (_, i) => ({ offset: this.#unvouchedOffsets[i]!, keyHash: this.#unvouchedHashes[i]! }));
    return { from: this.vouchedTo, to, gaps: this.gaps.filter((gap) => gap.from < to), frames };
  }

  /** Throws `IntegrityError` when what is known of `key` may not be the last that was written to it. */
  assertSound(key: Key): void {
    const damage = this.damageTo(key);
    if (damage) throw damage;
  }

  /** The error to read `key` with, when what is known of it may not be the last that was written to it. */
  damageTo(key: Key): IntegrityError | undefined {
    const slot = this.state.slots.get(key);
    if (slot?.damaged) return this.#damaged(key, slot.position);
    if (this.#damages.length === 0) return undefined;
    const known = slot?.position ?? this.#deletedAt.get(key) ?? -1;
    const damage = this.#damages.find(({ from, suspects }) => from > known && (suspects?.has(hashKey(key)) ?? true));
    return damage && (damage.suspects ? this.#damaged(key, damage.from) : this.#damagedFile(damage));
  }

  /** Throws `IntegrityError` when the file may hold keys that cannot be read. */
  assertListable(): void {
    if (this.#damages.length === 0) return;
    const known = new Set([...this.state.slots.keys(), ...this.#deletedAt.keys()].map(hashKey));
    const lost = this.#damages.find(({ suspects }) => suspects === undefined || [...suspects].some((hash) => !known.has(hash)));
    if (lost) throw this.#damagedFile(lost);
  }

  /** Whether all that was read is whole and lies in this very file. */
  get settled(): boolean {
    return this.#damages.length === 0 && this.state.slots.damaged === 0 && this.state.slots.before === 0 && !this.contradicted;
  }

  /** Whether the file holds anything of what was deleted or written over, or never finished. */
  get holdsGarbage(): boolean {
    return this.#keyedBytes > this.state.liveBytes || this.skipped.size > 0;
  }

  /** Throws `IntegrityError` when something is damaged and has not been written again since: it must stay for whoever restores it. */
  assertWhole(): void {
    this.assertListable();
    if (this.#damages.length === 0 && this.state.slots.damaged === 0) return;
    for (const key of this.state.slots.keys()) this.assertSound(key);
  }

  /** Takes a frame whose key begins at `keyAt` of `bytes`. */
  #apply(header: FrameHeader, bytes: Buffer, keyAt: number, damaged: boolean): void {
    const position = this.end;
    this.#counters.set(header.nonce, header.counter);
    this.end += header.size;
    this.count(header);
    switch (header.kind) {
      case frameKinds.put:
      case frameKinds.delete: {
        this.#remember(position, bytes, keyAt, header.keyLength);
        const own = header.nonce === this.#own.nonce;
        const at = { generation: this.generation, offset: position, nonce: header.nonce };
        const result = this.state.applyWrite(header, bytes, keyAt, at, { wanted: own, damaged, excused: this.#excused });
        if (this.#damages.length > 0) this.#noteDeleted(bytes.toString('latin1', keyAt, keyAt + header.keyLength), position);
        if (own) this.#own.onOwn(header.counter, result!, this.end);
        return;
      }
      case frameKinds.record:
      case frameKinds.operation:
        if (header.kind === frameKinds.record) this.#remember(position, bytes, keyAt, header.keyLength);
        this.state.applyCarried(header, bytes, keyAt, position, damaged);
        return;
      case frameKinds.vouch:
        this.#takeVouch(decodeVouch(bytes.subarray(keyAt, keyAt + header.metaLength)));
        return;
      case frameKinds.claim:
        this.claimedTo = position + decodeClaim(bytes, keyAt);
        return;
      case frameKinds.handover:
        // Means something behind a seal only, where it is looked for by those who follow.
        return;
      case frameKinds.seal:
        this.sealed = true;
    }
  }

  #takeVouch(vouch: Vouch): void {
    if (this.gaps.some((gap) => vouchesFor(vouch, gap.from))) this.contradicted = true;
    if (vouch.to <= this.vouchedTo) return;
    const count = this.#unvouchedBefore(vouch.to);
    this.#unvouchedOffsets = this.#unvouchedOffsets.slice(count);
    this.#unvouchedHashes = this.#unvouchedHashes.slice(count);
    this.vouchedTo = vouch.to;
  }

  /** Takes note of a frame that lies in the file. */
  count(header: FrameHeader): void {
    if (header.keyLength > 0) this.#keyedBytes += header.size;
  }

  #skip(to: number): void {
    this.skipped.set(this.end, to);
    this.end = to;
  }

  #remember(position: number, bytes: Buffer, keyAt: number, keyLength: number): void {
    this.#unvouchedOffsets.push(position);
    this.#unvouchedHashes.push(hashKeyIn(bytes, keyAt, keyAt + keyLength));
  }

  #unvouchedBefore(to: number): number {
    let count = this.#unvouchedOffsets.length;
    while (count > 0 && this.#unvouchedOffsets[count - 1]! >= to) count--;
    return count;
  }

  #noteDeleted(key: Key, position: number): void {
    if (this.state.slots.find(key) < 0) this.#deletedAt.set(key, position);
  }

  /**
   * Whether the frame that ends at `end` lost its last bytes, and seems whole because the one that was written behind it begins with the same: what is behind goes on in the
   * middle of a beginning, though that other write be torn as well. `undefined` when the window ends too early to tell. By more than a few bytes that does not come about.
   */
  #isOverlapped(window: Buffer, end: number, last: boolean): boolean | undefined {
    for (let shared = 1; shared <= maxShared; shared++) {
      // Of most frames this byte tells, and there may be a million.
      if (window[end - shared] !== this.salt[0]) continue;
      if (!window.subarray(end - shared, end).equals(this.salt.subarray(0, shared))) continue;
      if (end + this.salt.length + frameHeaderBytes > window.length && !last) return undefined;
      let at = end;
      while (at < window.length && at - end < this.salt.length - shared && window[at] === this.salt[at - end + shared]) at++;
      // What could as well be the beginning of a frame where the next one should be says nothing.
      if (at === end || window.subarray(end, at).equals(this.salt.subarray(0, at - end))) continue;
      if (at - end === this.salt.length - shared || at === window.length || this.#freshHeader(window, at) !== undefined) return true;
    }
    return false;
  }

  // A copy of a frame of this very file, inside a value, has a counter that was there before.
  #freshHeader(window: Buffer, at: number): FrameHeader | undefined {
    const header = parseFrameHeader(window, at, this.salt);
    return header !== undefined && header.counter > (this.#counters.get(header.nonce) ?? 0) ? header : undefined;
  }

  #breach(window: Buffer, at: number, last: boolean, frame: Breach['frame']): Fed {
    for (let next = window.indexOf(this.salt, at + 1); next !== -1; next = window.indexOf(this.salt, next + 1)) {
      if (this.#freshHeader(window, next) !== undefined) return { breach: { from: this.end, to: this.end + next - at, frame } };
    }
    return last ? undefined : { need: window.length - at + searchStep };
  }

  readonly #excused = (key: Key, { generation, offset }: VersionId): boolean =>
    generation === this.generation && this.#damages.some(({ from, to, suspects }) => from <= offset && offset < to && (suspects?.has(hashKey(key)) ?? true));

  #damaged(key: Key, position: number): IntegrityError {
    return new IntegrityError(`The record ${key} is damaged (${this.#path}, byte ${position}); restore the store from a copy, or write or delete the record without a condition.`, {
      key,
      file: this.#path,
      offset: position,
    });
  }

  #damagedFile({ from, to }: Span): IntegrityError {
    return new IntegrityError(`Bytes ${from} to ${to} of ${this.#path} are damaged, and whose they were cannot be read; restore the store from a copy.`, {
      key: `${this.#path}:${from}`,
      file: this.#path,
      offset: from,
    });
  }
}

/** The keys whose frames lay in a breach, when the vouches name every one. */
function suspectsIn({ from, to }: Span, vouches: readonly Vouch[]): ReadonlySet<number> | undefined {
  let covered = from;
  for (const vouch of [...vouches].sort((a, b) => a.from - b.from)) {
    if (vouch.from <= covered) covered = Math.max(covered, vouch.to);
  }
  if (covered < to) return undefined;
  const named = vouches.flatMap((vouch) => vouch.frames).filter((frame) => from <= frame.offset && frame.offset < to);
  return new Set(named.map((frame) => frame.keyHash));
}
