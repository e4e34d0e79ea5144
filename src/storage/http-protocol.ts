import type { ErrorCode } from '../core/errors.ts';
import type { Version } from './contract.ts';

// Version 1 of the protocol between HttpStorage and createStorageHandler; its description for others is the OpenAPI document that the handler serves.

/** First segment of every path. A change that an older client would not understand gets another one. */
export const protocolPath = 'v1';

/** Names of the headers that HTTP itself has none for. */
export const headerNames = {
  /** Names a write, so that a repeated one is recognised. */
  operationId: 'modelkeep-operation-id',
  /** The digests that a record refers to, separated by commas; `*` in an answer where they are too long for a header, and a frame of `batch/read` has them. */
  blobs: 'modelkeep-blobs',
  /** The digest of the body, for a part of an upload. */
  digest: 'modelkeep-digest',
  /** Which attempt at the same request this is, from 2. */
  attempt: 'modelkeep-attempt',
} as const;

/** Media type of a sequence of frames (`http-frames.ts`). */
export const framesType = 'application/vnd.modelkeep.frames';

/** Largest part of an upload, in bytes: what a client sends at once, since browsers cannot stream a body over HTTP/1.1. */
export const maxPartBytes: number = 8 * 1024 * 1024;

/** Longest list of digests that an answer has in a header, in characters: many hosts take no more than 16 KiB of headers in all. */
export const maxBlobsHeader: number = 8 * 1024;

/** Longest version that a client says it has, in characters of its JSON; a record at a longer one comes whole. */
export const maxHeldVersion = 200;

/** The body of every answer that is an error. */
export interface WireError {
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    /** The facts behind the message, as JSON. */
    readonly details?: Readonly<Record<string, unknown>> | undefined;
  };
}

/** The body of a batch of reads. */
export interface ReadBatch {
  readonly keys: readonly string[];
  /** Of each key the version that the client has, null where it has none. A server that is older than this member refuses it. @default none of any */
  readonly held?: readonly (Version | null)[] | undefined;
}

/** Header of a frame that holds a record read: absent ones have no version. */
export interface RecordFrame {
  readonly key: string;
  readonly version?: Version | undefined;
  readonly blobs?: readonly string[] | undefined;
  /** The client has it at this version, as it said: neither bytes nor blobs come. @default false */
  readonly held?: boolean | undefined;
}

/** Header of a frame that holds a write of a batch; its body is what is put. */
export interface WriteFrame {
  readonly kind: 'put' | 'delete';
  readonly key: string;
  readonly condition?: 'absent' | { readonly match: Version } | undefined;
  readonly operationId?: string | undefined;
  readonly blobs?: readonly string[] | undefined;
}

/** Header of a frame that holds entries to append, one behind the other. */
export interface AppendFrame {
  /** How many bytes each entry has. */
  readonly sizes: readonly number[];
  /** Names the append that the frame belongs to, where a body holds several: consecutive frames of one name are one append. @default all frames are one, named by the header of the request */
  readonly operationId?: string | undefined;
}

/** The body of the answer to an append. */
export interface Appended {
  /** The position behind the last entry. */
  readonly position: string;
  /** The position behind each append, where the body held several. */
  readonly positions?: readonly string[] | undefined;
}

/**
 * Header of a frame that holds consecutive entries of one writer of a log. The place behind the k-th of them is `before`, and from there k entries of this writer on:
 * so a position is sent once per frame, and a reader that was cut off can go on in the middle of one.
 */
export interface EntriesFrame {
  readonly writer: string;
  /** The sequence of the first entry. */
  readonly first: number;
  readonly sizes: readonly number[];
  /** The position just before the first entry, as the store behind the handler gave it; empty at the beginning of the log. */
  readonly before: string;
  /** The position just behind the last entry. */
  readonly after: string;
}

/** Header of the last frame: without it, the sequence was cut off. */
export interface EndFrame {
  readonly end: true;
}

/** Header of a frame that ends a sequence which could not be finished. */
export type ErrorFrame = WireError;

/** The entity tag of a version: any text between quotes. */
export function etagOf(version: Version): string {
  return `"${encodeURIComponent(version)}"`;
}

/** The version of an entity tag, or `undefined` when the handler cannot have made it. */
export function versionOf(etag: string): Version | undefined {
  const match = /^(?:W\/)?"([^"]*)"$/.exec(etag.trim());
  try {
    return match ? decodeURIComponent(match[1]!) : undefined;
  } catch {
    return undefined;
  }
}
