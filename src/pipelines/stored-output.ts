import { collectBytes } from '../core/bytes.ts';
import { digestOf, type Digest } from '../core/digest.ts';
import { IntegrityError, ValidationError, isModelkeepError } from '../core/errors.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { packOutput, unpackOutput } from './output-codec.ts';
import { openStream, type StoredStream } from './streamed-output.ts';
import type { UnitName } from './units.ts';

/** Packed bytes in a record, or the blob that holds them. */
export type StoredBytes = { readonly bytes: Uint8Array; readonly streamed?: undefined } | { readonly blob: Digest; readonly size: number; readonly streamed?: undefined };

/** What one function returned. */
export type StoredValue = StoredBytes | StoredStream;

/** The outputs of the items of a step, which lie in the records of these. */
export interface StoredItems extends StoredContents {
  /** How many items the step has. */
  readonly items: number;
}

/** An output in a step's record. */
export type StoredOutput = StoredValue | StoredItems;

/** What is stored of a value, told by its digest: equal values have the same. */
export interface StoredContents {
  /** The digest of its bytes as they are stored. */
  readonly digest: Digest;
  /** How many they are. */
  readonly size: number;
}

// Packed outputs up to this size lie in the step's record, larger ones in a blob.
const inlineOutputBytes = 16 * 1024;

const chunkBytes = 1024 * 1024;

/** The bytes of what a step returned, `undefined` for nothing. Throws `ValidationError` that names the step and the place of what cannot be stored. */
export function packStepOutput({ step, index }: UnitName, value: unknown): Uint8Array | undefined {
  if (value === undefined) return undefined;
  try {
    return index === undefined ? packOutput(value) : packOutput(value, `output of item ${index}`);
  } catch (cause) {
    if (!isModelkeepError(cause, 'validation')) throw cause;
    throw new ValidationError(
      `Step '${step}' returned what cannot be kept: ${cause.message} Return plain data, bytes, typed arrays, or nothing but a stream of bytes; of models, functions and handles return the id or digest under which they were saved.`,
      { path: (cause.details as { path?: string }).path ?? 'output', step, cause },
    );
  }
}

/** Puts packed bytes where they belong; a blob is durable when this resolves. */
export async function storeOutput(storage: StorageAdapter, bytes: Uint8Array): Promise<StoredBytes> {
  if (bytes.length <= inlineOutputBytes) return { bytes };
  const { digest, size } = await storage.writeBlob(inChunks(bytes));
  return { blob: digest, size };
}

/** The blobs that hold these, where blobs do. */
export function blobsOf(outputs: readonly (StoredOutput | undefined)[]): Digest[] {
  return outputs.flatMap((output) => (output && 'blob' in output ? [output.blob] : []));
}

/** What a stored output holds. */
export function contentsOf(output: StoredOutput): StoredContents {
  if ('items' in output) return { digest: output.digest, size: output.size };
  return 'blob' in output ? { digest: output.blob, size: output.size } : { digest: digestOf(output.bytes), size: output.bytes.length };
}

/** Whether an output is the bytes of a stream, as they are. */
export function isStreamed(output: StoredOutput | undefined): output is StoredStream {
  return output !== undefined && 'streamed' in output && output.streamed === true;
}

/** The same for equal outputs only: bytes that were put out as a stream are none that stand for a value. */
export function identityOf(output: StoredOutput): string {
  const { digest } = contentsOf(output);
  return isStreamed(output) ? `stream ${digest}` : digest;
}

/** What the outputs of items make together, in their order; of one that has none, nothing. Equal outputs have the same digest. */
export function storedItems(outputs: readonly (StoredOutput | undefined)[]): StoredItems {
  const digest = digestOf(JSON.stringify(outputs.map((output) => (output ? identityOf(output) : null))));
  return { items: outputs.length, digest, size: outputs.reduce((sum, output) => sum + (output ? contentsOf(output).size : 0), 0) };
}

/** The packed bytes of a stored output, its blob verified while reading. Throws `IntegrityError` when the blob is gone. */
export async function fetchOutput(storage: StorageAdapter, output: StoredBytes, step: string): Promise<Uint8Array> {
  if ('bytes' in output) return output.bytes;
  const chunks = await storage.readBlob(output.blob);
  if (chunks) return collectBytes(chunks);
  throw new IntegrityError(`The output of step '${step}' is lost: its blob ${output.blob} is not in the store. Restore it from a copy, or start a new run.`, {
    key: output.blob,
    step,
  });
}

/** Whoever asks gets what the function returned: a fresh copy, or what reads its stream. */
export async function readStored(storage: StorageAdapter, stored: StoredValue, step: string): Promise<unknown> {
  return stored.streamed ? openStream(storage, stored, `step '${step}'`) : unpackOutput(await fetchOutput(storage, stored, step), `step ${step}`);
}

async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}
