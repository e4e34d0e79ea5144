import { collectBytes } from '../core/bytes.ts';
import { digestOf, type Digest } from '../core/digest.ts';
import { IntegrityError, ValidationError, isModelkeepError } from '../core/errors.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { packOutput } from './output-codec.ts';

/** An output in a step's record: nothing, its packed bytes, or the blob that holds them. */
export type StoredOutput = { readonly bytes: Uint8Array } | { readonly blob: Digest; readonly size: number };

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
export function packStepOutput(step: string, value: unknown): Uint8Array | undefined {
  if (value === undefined) return undefined;
  try {
    return packOutput(value);
  } catch (cause) {
    if (!isModelkeepError(cause, 'validation')) throw cause;
    throw new ValidationError(
      `Step '${step}' returned what cannot be kept: ${cause.message} Return plain data, bytes or typed arrays; of models, functions and handles return the id or digest under which they were saved.`,
      { path: (cause.details as { path?: string }).path ?? 'output', step, cause },
    );
  }
}

/** Puts packed bytes where they belong; a blob is durable when this resolves. */
export async function storeOutput(storage: StorageAdapter, bytes: Uint8Array): Promise<StoredOutput> {
  if (bytes.length <= inlineOutputBytes) return { bytes };
  const { digest, size } = await storage.writeBlob(inChunks(bytes));
  return { blob: digest, size };
}

/** What a stored output holds. */
export function contentsOf(output: StoredOutput): StoredContents {
  return 'blob' in output ? { digest: output.blob, size: output.size } : { digest: digestOf(output.bytes), size: output.bytes.length };
}

/** The packed bytes of a stored output, its blob verified while reading. Throws `IntegrityError` when the blob is gone. */
export async function fetchOutput(storage: StorageAdapter, output: StoredOutput, step: string): Promise<Uint8Array> {
  if ('bytes' in output) return output.bytes;
  const chunks = await storage.readBlob(output.blob);
  if (chunks) return collectBytes(chunks);
  throw new IntegrityError(`The output of step '${step}' is lost: its blob ${output.blob} is not in the store. Restore it from a copy, or start a new run.`, {
    key: output.blob,
    step,
  });
}

async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}
