import { collectBytes } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { encode } from '../core/codec.ts';
import { contentChunks, mediaTypeOf, type Content } from '../core/content.ts';
import type { Digest } from '../core/digest.ts';
import { IntegrityError, NotFoundError, ValidationError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { lineageOperations } from '../storage/lineage.ts';
import { listAll, readValue } from '../storage/records.ts';
import { checkName } from './metric-name.ts';
import { keys } from './tracking-keys.ts';

/** A file that a run produced. */
export interface ArtifactRecord {
  /** Unique in its run; may have folders, as in `plots/roc.svg`. */
  readonly name: string;
  /** Content address of its bytes. */
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Such as `application/json`. */
  readonly mediaType: string;
  /** Epoch milliseconds. */
  readonly loggedAt: number;
}

/** How an artifact is logged. */
export interface LogArtifactOptions extends OperationOptions {
  /** What kind of content it is. @default the type of a Blob, `text/plain; charset=utf-8` for text, else `application/octet-stream` */
  mediaType?: string | undefined;
}

/** Stores a content under its digest, and then the record that names it. */
export async function writeArtifact(
  storage: StorageAdapter,
  clock: Clock,
  runId: string,
  name: string,
  content: Content,
  options: LogArtifactOptions,
): Promise<ArtifactRecord> {
  checkName(name, 'An artifact');
  const { mediaType = mediaTypeOf(content), signal } = options;
  if (typeof mediaType !== 'string') throw new ValidationError(`The mediaType of artifact '${name}' is ${shown(mediaType, 80)}; give a text.`, { path: 'mediaType' });
  const { digest, size } = await storage.writeBlob(contentChunks(content, `The content of artifact '${name}'`), { signal });
  const record: ArtifactRecord = { name, digest, size, mediaType, loggedAt: clock.now() };
  const edge = {
    from: { kind: 'run' as const, id: runId },
    relation: 'produced' as const,
    to: { kind: 'artifact' as const, id: `${runId}/${name}`, digest },
    at: record.loggedAt,
  };
  await storage.write([{ kind: 'put', key: keys.artifact(runId, name), bytes: encode(record), blobs: [digest] }, ...lineageOperations([edge])], { signal });
  return record;
}

/** The artifacts of a run, in the order of their keys. */
export async function* readArtifacts(storage: StorageAdapter, runId: string, options: OperationOptions): AsyncGenerator<ArtifactRecord> {
  for await (const entry of listAll(storage, { prefix: keys.artifacts(runId) }, options)) {
    const record = await readValue<ArtifactRecord>(storage, entry.key, options);
    if (record) yield record.value;
  }
}

/** The bytes of an artifact in chunks; its digest is checked as they pass. */
export async function openArtifact(storage: StorageAdapter, runId: string, name: string, options: OperationOptions): Promise<AsyncIterable<Uint8Array>> {
  const record = await readValue<ArtifactRecord>(storage, keys.artifact(runId, checkName(name, 'An artifact')), options);
  if (record === undefined) throw new NotFoundError(`Run ${runId} has no artifact '${name}'; tracker.artifacts('${runId}') lists what it has.`, { key: name });
  const { digest } = record.value;
  const chunks = await storage.readBlob(digest, options);
  if (chunks) return chunks;
  throw new IntegrityError(`Artifact '${name}' of run ${runId} is recorded, but its bytes ${digest} are gone; restore the blob from a copy.`, { key: digest });
}

/** All bytes of an artifact; its digest is checked. */
export async function readArtifact(storage: StorageAdapter, runId: string, name: string, options: OperationOptions): Promise<Uint8Array<ArrayBuffer>> {
  return collectBytes(await openArtifact(storage, runId, name, options));
}
