import { utf8 } from '../../core/bytes.ts';
import type { Clock } from '../../core/clock.ts';
import { isDigest } from '../../core/digest.ts';
import { StorageError, isModelkeepError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { StoredRecord, Version } from '../contract.ts';
import { etagOf, headerNames, maxHeldVersion, versionOf, type ReadBatch, type RecordFrame } from '../http-protocol.ts';
import { CallFailure, saysAbsent } from './call-failure.ts';
import type { HttpAnswer } from './http-answer.ts';
import type { HttpTransport } from './http-transport.ts';

/** A record that is asked for. */
export interface AskedRecord {
  readonly key: Key;
  /** The version that the caller has. */
  readonly held: Version | undefined;
}

type ReadRecord = StoredRecord | undefined;

// A server that does not know what a client may say of what it has is asked again after a while: it may be another by then.
const asksAgainMs = 300_000;
const noBytes: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

/** What a reading says about what it asks for, in characters. */
export function sizeOfAsked({ key, held }: AskedRecord): number {
  return key.length + (held?.length ?? 0);
}

/** Reads records, and spares the way those that the caller has. */
export class RecordReader {
  readonly #transport: HttpTransport;
  readonly #clock: Clock;
  /** Until when nothing is said of what the caller has, since the server did not know what that means. */
  #silentUntil = -Infinity;

  constructor(transport: HttpTransport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /** The records in the order asked for, in one request: a single one by its own address, which costs a third of a batch. */
  async read(asked: readonly AskedRecord[], signal: AbortSignal | undefined): Promise<ReadRecord[]> {
    if (asked.length !== 1) return this.#readBatch(asked, signal);
    const { key, held } = asked[0]!;
    const headers = { 'if-none-match': held === undefined || !mayTravel(held) ? undefined : etagOf(held) };
    try {
      const record = await this.#transport.call({ method: 'GET', path: `records/${key}`, headers, also: [304], signal }, (answer) => recordOf(answer, held));
      return record === 'too many digests' ? await this.#readBatch(asked, signal) : [record];
    } catch (error) {
      if (saysAbsent(error, key)) return [undefined];
      throw error;
    }
  }

  async #readBatch(asked: readonly AskedRecord[], signal: AbortSignal | undefined): Promise<ReadRecord[]> {
    const keys = asked.map(({ key }) => key);
    const held = this.#clock.monotonic() < this.#silentUntil ? undefined : heldOf(asked);
    if (held === undefined) return this.#send({ keys }, signal);
    try {
      return await this.#send({ keys, held }, signal);
    } catch (error) {
      if (!isModelkeepError(error, 'validation') || 'limit' in error.details) throw error;
    }
    // Either the server does not know what is held, or it finds fault with the keys and says so again.
    const records = await this.#send({ keys }, signal);
    this.#silentUntil = this.#clock.monotonic() + asksAgainMs;
    return records;
  }

  #send(batch: ReadBatch, signal: AbortSignal | undefined): Promise<ReadRecord[]> {
    const call = { method: 'POST', path: 'batch/read', headers: { 'content-type': 'application/json' }, body: utf8(JSON.stringify(batch)), signal } as const;
    return this.#transport.call(call, (answer) => recordsOf(answer, batch));
  }
}

function mayTravel(version: Version): boolean {
  return JSON.stringify(version).length <= maxHeldVersion;
}

/** What the caller has of each; `undefined` when that is nothing. A key may be asked for twice in a batch of several calls, by one that has it and one that has not. */
function heldOf(asked: readonly AskedRecord[]): (Version | null)[] | undefined {
  const held = asked.map(({ held: version }) => (version !== undefined && mayTravel(version) ? version : null));
  return held.some((version) => version !== null) ? held : undefined;
}

/** The record of an answer, unless its digests do not fit into a header. */
async function recordOf(answer: HttpAnswer, held: Version | undefined): Promise<StoredRecord | 'too many digests'> {
  const version = versionOf(answer.header('etag') ?? '');
  if (version === undefined) throw answer.foreign();
  if (answer.status === 304) {
    if (version !== held) throw answer.foreign();
    return { bytes: noBytes, version, blobs: [] };
  }
  const blobs = answer.header(headerNames.blobs);
  if (blobs === '*') return 'too many digests';
  return { bytes: await answer.bytes(), version, blobs: blobs === null ? [] : blobs.split(',').filter(isDigest) };
}

async function recordsOf(answer: HttpAnswer, { keys, held: heldVersions }: ReadBatch): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  for await (const { header, body } of answer.frames()) {
    const { key, version, blobs = [], held = false } = header as RecordFrame;
    const isAsked = key === keys[records.length] && (!held || (version !== undefined && version === heldVersions?.[records.length]));
    if (!isAsked) throw otherThanAsked(answer);
    // A frame is a view of the answer, in which other records lie too.
    records.push(version === undefined ? undefined : { bytes: held ? noBytes : new Uint8Array(body), version, blobs: blobs.filter(isDigest) });
  }
  if (records.length !== keys.length) throw otherThanAsked(answer);
  return records;
}

function otherThanAsked({ place }: HttpAnswer): CallFailure {
  return new CallFailure(new StorageError('unavailable', `${place} was answered with other records than were asked for: check the base URL and what stands before the server.`), { passing: false });
}
