import { decode, encode } from '../core/codec.ts';
import type { Clock } from '../core/clock.ts';
import type { Digest } from '../core/digest.ts';
import { isId, newId } from '../core/ids.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { BlobRef, LogEntry, StorageAdapter } from '../storage/contract.ts';
import { listAll } from '../storage/records.ts';
import { uploadsPrefix } from './guard.ts';
import { hostDigestOf } from './host-digest.ts';
import { Refusal, tooLarge } from './refusal.ts';

const writer = 'parts';
const maxParts = 10_000;
const dayMs = 86_400_000;
const sweepEveryMs = 3_600_000;
const remembered = 1_000;

/** Whose an upload is: nobody else finds it. */
export interface UploadOwner {
  readonly actor: string;
  readonly workspace: string | undefined;
}

/** A part of an upload. */
export interface UploadPart {
  /** From 1. */
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

/** How far an upload has come. */
export interface UploadProgress {
  readonly parts: number;
  readonly size: number;
}

/** Writes the blob out of what the source gives, as often as it is asked. */
export type WriteParts = (source: () => AsyncGenerator<Uint8Array>) => Promise<BlobRef>;

interface Session {
  readonly owner: UploadOwner;
  parts: number;
  size: number;
  /** Of the last part, to tell a repeated one from another in its place. */
  last: Digest | undefined;
  /** How far the log was read. */
  position: string | undefined;
  /** What came of it, for those that waited for their turn meanwhile. */
  blob?: BlobRef;
  /** The calls on one session go one after another. */
  queue: Promise<unknown>;
}

/**
 * Blobs under way, part by part. A session is a log of the store itself, `uploads/<id>`: whose it is, then the parts, whose sequence is their number. So it survives the server and is
 * shared by all that serve the store; what is remembered here only saves reading it again.
 */
export class UploadSessions {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #onFailure: (error: unknown) => void;
  readonly #sessions = new Map<string, Session>();
  #sweptAt = -Infinity;

  constructor(storage: StorageAdapter, clock: Clock, onFailure: (error: unknown) => void) {
    this.#storage = storage;
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  async begin(owner: UploadOwner, options: OperationOptions): Promise<string> {
    this.#sweepNowAndThen();
    const id = newId();
    await this.#storage.append(uploadsPrefix + id, [encode({ actor: owner.actor, workspace: owner.workspace })], { writer, operationId: 'begin', ...options });
    return id;
  }

  progress(id: string, owner: UploadOwner, options: OperationOptions): Promise<UploadProgress> {
    return this.#inTurn(id, owner, options, async ({ parts, size }) => ({ parts, size }));
  }

  /** Stores the next part; one that is there already is recognised. */
  store(id: string, owner: UploadOwner, { number, bytes, digest }: UploadPart, maxBytes: number, options: OperationOptions): Promise<UploadProgress> {
    return this.#inTurn(id, owner, options, async (session) => {
      if (number > session.parts) await this.#catchUp(id, session, options);
      if (number === session.parts && session.last !== digest) throw outOfOrder(`Part ${number} is there already, with other bytes`, session);
      if (number > maxParts) throw outOfOrder(`An upload has at most ${maxParts} parts`, session);
      if (number > session.parts + 1) throw outOfOrder(`Part ${number} comes too early`, session);
      if (number === session.parts + 1) {
        if (session.size + bytes.length > maxBytes) throw tooLarge('The blob', maxBytes);
        session.position = await this.#storage.append(uploadsPrefix + id, [bytes], { writer, operationId: `part-${number}`, ...options });
        session.parts = number;
        session.size += bytes.length;
        session.last = digest;
      }
      return { parts: session.parts, size: session.size };
    });
  }

  /** Has the parts, which must be so many, written as a blob; what came of that is given again to whoever asks again. */
  async commit(id: string, owner: UploadOwner, parts: number, write: WriteParts, options: OperationOptions): Promise<BlobRef> {
    const done = await this.#committed(id, owner, options);
    if (done) return done;
    try {
      return await this.#inTurn(id, owner, options, (session) => this.#write(id, session, parts, write, options));
    } catch (error) {
      // Another server may have committed it meanwhile, and taken the parts away.
      const meanwhile = await this.#committed(id, owner, options);
      if (meanwhile) return meanwhile;
      throw error;
    }
  }

  async #write(id: string, session: Session, parts: number, write: WriteParts, options: OperationOptions): Promise<BlobRef> {
    if (session.blob) return session.blob;
    if (parts !== session.parts) await this.#catchUp(id, session, options);
    if (parts !== session.parts) throw outOfOrder(`The upload was to have ${parts} parts`, session);
    const ref = await write(() => this.#bytes(id, parts, options));
    // From here on a repeated commit finds its answer, whatever happens to the parts.
    await this.#storage.append(doneLog(id), [encode({ ...session.owner, ...ref })], { writer, operationId: 'done', ...options });
    session.blob = ref;
    await this.#forget(id, options);
    return ref;
  }

  async cancel(id: string, owner: UploadOwner, options: OperationOptions): Promise<void> {
    await this.#inTurn(id, owner, options, () => this.#forget(id, options));
  }

  async #forget(id: string, options: OperationOptions): Promise<void> {
    this.#sessions.delete(id);
    await this.#storage.deleteLog(uploadsPrefix + id, options);
  }

  async #inTurn<T>(id: string, owner: UploadOwner, options: OperationOptions, work: (session: Session) => Promise<T>): Promise<T> {
    if (!(await this.#exists(id, options))) {
      this.#sessions.delete(id);
      throw noSession(id);
    }
    const session = this.#sessions.get(id) ?? (await this.#open(id, options));
    if (session.owner.actor !== owner.actor || session.owner.workspace !== owner.workspace) throw noSession(id);
    const turn = session.queue.then(() => work(session));
    session.queue = turn.catch(() => undefined);
    return turn;
  }

  /** Whether another server has not ended it meanwhile. */
  async #exists(id: string, options: OperationOptions): Promise<boolean> {
    if (!isId(id)) return false;
    const { entries } = await this.#storage.list({ kind: 'log', prefix: uploadsPrefix + id, limit: 1 }, options);
    return entries[0]?.key === uploadsPrefix + id;
  }

  async #open(id: string, options: OperationOptions): Promise<Session> {
    let session: Session | undefined;
    for await (const entry of this.#storage.readLog(uploadsPrefix + id, options)) {
      session = { owner: ownerOf(entry, id), parts: 0, size: 0, last: undefined, position: entry.position, queue: Promise.resolve() };
      break;
    }
    if (session === undefined) throw noSession(id);
    await this.#catchUp(id, session, options);
    // Someone else may have opened it meanwhile, and gone on.
    const present = this.#sessions.get(id) ?? session;
    this.#sessions.set(id, present);
    if (this.#sessions.size > remembered) for (const oldest of this.#sessions.keys()) if (this.#sessions.delete(oldest)) break;
    return present;
  }

  /** Takes in what another server was given of the same upload. */
  async #catchUp(id: string, session: Session, options: OperationOptions): Promise<void> {
    let last: Uint8Array | undefined;
    for await (const { writer: by, sequence, bytes, position } of this.#storage.readLog(uploadsPrefix + id, { after: session.position, ...options })) {
      // The entry before the first part says whose it is.
      if (by !== writer || sequence !== session.parts + 2) continue;
      session.parts++;
      session.size += bytes.length;
      session.position = position;
      last = bytes;
    }
    if (last) session.last = await hostDigestOf(last);
  }

  async *#bytes(id: string, parts: number, options: OperationOptions): AsyncGenerator<Uint8Array> {
    let seen = 0;
    for await (const { writer: by, sequence, bytes } of this.#storage.readLog(uploadsPrefix + id, options)) {
      if (by !== writer || sequence === 1 || sequence > parts + 1) continue;
      seen++;
      yield bytes;
    }
    if (seen !== parts) throw noSession(id);
  }

  async #committed(id: string, owner: UploadOwner, options: OperationOptions): Promise<BlobRef | undefined> {
    if (!isId(id)) throw noSession(id);
    for await (const { bytes } of this.#storage.readLog(doneLog(id), options)) {
      const { actor, workspace, digest, size } = decode(bytes, doneLog(id)) as UploadOwner & BlobRef;
      if (actor === owner.actor && workspace === owner.workspace) return { digest, size };
    }
    return undefined;
  }

  /** Removes what nobody went on with for a day. In the background: nobody waits for it, and whoever begins an upload later tries again. */
  #sweepNowAndThen(): void {
    const now = this.#clock.now();
    if (now - this.#sweptAt < sweepEveryMs) return;
    this.#sweptAt = now;
    this.#sweep(now - dayMs).catch(this.#onFailure);
  }

  async #sweep(before: number): Promise<void> {
    for await (const { key } of listAll(this.#storage, { kind: 'log', prefix: uploadsPrefix })) {
      const id = key.split('/')[1]!;
      if (isId(id) && madeAt(id) < before) {
        this.#sessions.delete(id);
        await this.#storage.deleteLog(key);
      }
    }
  }
}

/** Where it stands what came of an upload, until it is swept: for whoever did not get the answer. */
function doneLog(id: string): string {
  return `${uploadsPrefix}${id}/done`;
}

/** When a UUIDv7 was made: its first 48 bits are the time. */
function madeAt(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** Whose an upload is. A part that came late to an upload which was over by then is none. */
function ownerOf({ sequence, bytes }: LogEntry, id: string): UploadOwner {
  try {
    const { actor, workspace } = decode(bytes, uploadsPrefix + id) as UploadOwner;
    if (sequence === 1 && typeof actor === 'string') return { actor, workspace };
  } catch {
    // It was no owner, then.
  }
  throw noSession(id);
}

function outOfOrder(problem: string, { parts, size }: UploadProgress): Refusal {
  return new Refusal(409, 'conflict', `${problem}; the upload has ${parts} parts of ${size} bytes together.`, { details: { parts, size } });
}

function noSession(id: string): Refusal {
  return new Refusal(404, 'not-found', 'There is no such upload: begin another one. Uploads that nobody goes on with are removed after a day.', isId(id) ? { details: { id } } : {});
}
