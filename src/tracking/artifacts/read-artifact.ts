import { collectBytes, fromUtf8 } from '../../core/bytes.ts';
import { decode } from '../../core/codec.ts';
import { IntegrityError, ValidationError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import type { BlobRange, StorageAdapter } from '../../storage/contract.ts';
import { findArtifact, type ArtifactRecord } from './artifact-record.ts';
import { valueMediaType } from './media-type.ts';

/** How an artifact is read at once. */
export interface ReadWholeOptions extends OperationOptions {
  /** Larger artifacts are refused before any byte is read. @default 67_108_864 */
  maxBytes?: number | undefined;
}

const defaultMaxBytes = 64 * 1024 * 1024;

/** The bytes of an artifact in chunks; its digest is checked as they pass. */
export async function openArtifact(storage: StorageAdapter, runId: string, name: string, options: OperationOptions = {}): Promise<AsyncIterable<Uint8Array>> {
  const { value } = await findArtifact(storage, runId, name, options);
  return openBlob(storage, runId, value, undefined, options);
}

/** All bytes of an artifact; its digest is checked. */
export async function readArtifact(storage: StorageAdapter, runId: string, name: string, options: OperationOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  return collectBytes(await openArtifact(storage, runId, name, options));
}

/**
 * The bytes of an artifact from `start` to before `end`; what lies outside it is left out. Not verified: a digest is one of the whole, so a byte that was changed on the disk is told only by a whole read.
 * Throws `ValidationError` for what is no range.
 */
export async function readArtifactRange(storage: StorageAdapter, runId: string, name: string, range: BlobRange, options: OperationOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const { start, end } = typeof range === 'object' && range !== null ? range : { start: NaN };
  const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  if (!isWhole(start) || (end !== undefined && !(isWhole(end) && end >= start))) {
    throw new ValidationError(`The range ${shown(range, 80)} is none; give { start, end } in whole bytes from 0, with the end not before the start.`, { path: 'range' });
  }
  const { value } = await findArtifact(storage, runId, name, options);
  const clipped = { start: Math.min(start, value.size), end: Math.min(end ?? value.size, value.size) };
  const bytes = await collectBytes(await openBlob(storage, runId, value, clipped, options));
  if (bytes.length === clipped.end - clipped.start) return bytes;
  throw new IntegrityError(`Artifact '${name}' of run ${runId} has ${value.size} bytes by its record, but its blob ${value.digest} gave ${bytes.length} of ${clipped.end - clipped.start}; restore it from a copy.`, {
    key: value.digest,
  });
}

/** The text of an artifact; its digest is checked. Throws `ValidationError` when it is larger than `maxBytes`, or not UTF-8. */
export async function readArtifactText(storage: StorageAdapter, runId: string, name: string, options: ReadWholeOptions = {}): Promise<string> {
  return textOf(await readBounded(storage, runId, name, options));
}

/**
 * The value of an artifact that holds JSON, whoever wrote it; what `logJson` stored comes back as it was, NaN, bigints, dates and bytes too. Its digest is checked. Throws `ValidationError` when it is
 * larger than `maxBytes`, or no JSON.
 */
export async function readArtifactJson(storage: StorageAdapter, runId: string, name: string, options: ReadWholeOptions = {}): Promise<unknown> {
  const whole = await readBounded(storage, runId, name, options);
  if (whole.record.mediaType === valueMediaType) return decode(whole.bytes, name);
  const text = textOf(whole);
  try {
    return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text) as unknown;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it does not parse';
    throw new ValidationError(`Artifact '${name}' of run ${runId} (${whole.record.mediaType}) is no JSON: ${reason}. Read it with readArtifactText or readArtifact.`, { key: name, cause });
  }
}

/** An artifact as a whole, refused when it is larger than is wanted. */
export async function readBounded(storage: StorageAdapter, runId: string, name: string, options: ReadWholeOptions): Promise<{ record: ArtifactRecord; bytes: Uint8Array<ArrayBuffer> }> {
  const { maxBytes = defaultMaxBytes, signal } = options;
  if (!(maxBytes >= 0)) throw new ValidationError(`maxBytes is ${shown(maxBytes, 80)}; give a number of bytes.`, { path: 'maxBytes' });
  const { value: record } = await findArtifact(storage, runId, name, { signal });
  if (record.size > maxBytes) {
    throw new ValidationError(`Artifact '${name}' of run ${runId} has ${record.size} bytes, more than maxBytes = ${maxBytes}; raise it, or read the artifact in parts with openArtifact.`, {
      path: 'maxBytes',
      key: name,
      size: record.size,
    });
  }
  return { record, bytes: await collectBytes(await openBlob(storage, runId, record, undefined, { signal })) };
}

function textOf({ record, bytes }: { record: ArtifactRecord; bytes: Uint8Array }): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw new ValidationError(`Artifact '${record.name}' (${record.mediaType}) is not UTF-8 text; read its bytes with readArtifact.`, { key: record.name, cause });
  }
}

async function openBlob(storage: StorageAdapter, runId: string, { name, digest }: ArtifactRecord, range: BlobRange | undefined, { signal }: OperationOptions): Promise<AsyncIterable<Uint8Array>> {
  const chunks = await storage.readBlob(digest, { range, signal });
  if (chunks) return chunks;
  throw new IntegrityError(`Artifact '${name}' of run ${runId} is recorded, but its bytes ${digest} are gone; restore the blob from a copy.`, { key: digest });
}
