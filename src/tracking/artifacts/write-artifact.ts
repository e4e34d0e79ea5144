import { throwIfAborted } from '../../core/abort.ts';
import { backoffMs } from '../../core/backoff.ts';
import { sleep, type Clock } from '../../core/clock.ts';
import { decode, encode } from '../../core/codec.ts';
import { textOrContentChunks, type Content, type TextStream } from '../../core/content.ts';
import { ConflictError, ValidationError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { checkOptionNames, type OptionNames } from '../../core/option-names.ts';
import type { LongOperationOptions, OperationOptions } from '../../core/progress.ts';
import { systemRandom } from '../../core/random.ts';
import { shown } from '../../core/shown.ts';
import type { PutOperation, DeleteOperation, StorageAdapter, Version } from '../../storage/contract.ts';
import { lineageOperations } from '../../storage/lineage.ts';
import { checkName } from '../metric-name.ts';
import { keys } from '../tracking-keys.ts';
import { findArtifact, producedEdge, type ArtifactRecord } from './artifact-record.ts';
import { artifactMediaType } from './media-type.ts';

/** What may be an artifact: anything that may be a file, and a stream of texts. */
export type ArtifactContent = Content | TextStream;

/** How an artifact is logged. */
export interface LogArtifactOptions extends OperationOptions {
  /** What kind of content it is. @default the type of a Blob, else what the extension of the name stands for, else `text/plain; charset=utf-8` for a text and `application/octet-stream` for bytes */
  mediaType?: string | undefined;
}

/** A file that is to be logged, such as one of `artifactsFromDirectory`. */
export interface ArtifactInput {
  /** What it is called in the run. */
  readonly name: string;
  /** What is in it. */
  readonly content: ArtifactContent;
  /** What kind of content it is. @default as for `LogArtifactOptions` */
  readonly mediaType?: string | undefined;
}

/** How several artifacts are logged. */
export interface LogArtifactsOptions extends LongOperationOptions {
  /** The folder they are put in. @default none */
  prefix?: string | undefined;
}

const names: OptionNames<LogArtifactOptions> = { mediaType: true, signal: true };
const severalNames: OptionNames<LogArtifactsOptions> = { prefix: true, signal: true, onProgress: true };

/** How often someone else may be first before it is given up. */
const attempts = 100;

/**
 * Stores a content under its digest, and then the record that names it. What stood under the name before is replaced, its lineage too; the same bytes under two names are stored once.
 * Nothing is recorded when the source fails.
 */
export async function writeArtifact(
  storage: StorageAdapter,
  clock: Clock,
  runId: string,
  name: string,
  content: ArtifactContent,
  options: LogArtifactOptions = {},
  loggedAt: number = clock.now(),
): Promise<ArtifactRecord> {
  checkName(name, 'An artifact');
  checkOptionNames(options, names, `The options of artifact '${name}'`);
  const { signal } = options;
  const chunks = textOrContentChunks(content, `The content of artifact '${name}'`, signal);
  const mediaType = artifactMediaType(name, content, options.mediaType);
  const { digest, size } = await storage.writeBlob(chunks, { signal });
  const record: ArtifactRecord = { name, digest, size, mediaType, loggedAt };
  await change(storage, clock, runId, name, { signal }, (before, version) => {
    const stale = before === undefined || before.digest === digest ? [] : deletedEdge(runId, before);
    const condition = version === undefined ? 'absent' : { match: version };
    const put: PutOperation = { kind: 'put', key: keys.artifact(runId, name), bytes: encode(record), blobs: [digest], condition, operationId: newId() };
    return [put, ...lineageOperations([producedEdge(runId, record)]), ...stale];
  });
  return record;
}

/** Logs artifacts one after the other; those before one that fails stay. */
export async function writeArtifacts(
  storage: StorageAdapter,
  clock: Clock,
  runId: string,
  inputs: AsyncIterable<ArtifactInput> | Iterable<ArtifactInput>,
  options: LogArtifactsOptions = {},
): Promise<ArtifactRecord[]> {
  checkOptionNames(options, severalNames, 'logArtifacts');
  const { prefix, signal, onProgress } = options;
  const folder = prefix === undefined ? '' : `${checkName(prefix, 'prefix')}/`;
  const records: ArtifactRecord[] = [];
  for await (const input of inputs) {
    throwIfAborted(signal, 'Logging artifacts');
    if (typeof input !== 'object' || input === null) throw new ValidationError(`An artifact is ${shown(input, 80)}; give { name, content }.`, { path: `artifacts[${records.length}]` });
    records.push(await writeArtifact(storage, clock, runId, `${folder}${input.name}`, input.content, { mediaType: input.mediaType, signal }));
    onProgress?.({ phase: 'logging artifacts', done: records.length });
  }
  return records;
}

/**
 * Deletes what a run has under a name, and that the run produced it; edges of others that point at it stay, for they tell what was. Its bytes go at the next `collectGarbage` but one, unless something
 * else names them. Throws `NotFoundError` when there is no such artifact.
 */
export async function deleteArtifact(storage: StorageAdapter, clock: Clock, runId: string, name: string, options: OperationOptions = {}): Promise<void> {
  await findArtifact(storage, runId, name, { ...options, fresh: true });
  await change(storage, clock, runId, name, options, (before, version) => {
    if (before === undefined || version === undefined) return [];
    return [{ kind: 'delete', key: keys.artifact(runId, name), condition: { match: version }, operationId: newId() }, ...deletedEdge(runId, before)];
  });
}

function deletedEdge(runId: string, record: ArtifactRecord): DeleteOperation[] {
  return lineageOperations([producedEdge(runId, record)]).map(({ key }) => ({ kind: 'delete', key }));
}

/** Makes a write of which the first operation holds only while the record is what it was read as, until nobody else was first. */
async function change(
  storage: StorageAdapter,
  clock: Clock,
  runId: string,
  name: string,
  { signal }: OperationOptions,
  operations: (before: ArtifactRecord | undefined, version: Version | undefined) => (PutOperation | DeleteOperation)[],
): Promise<void> {
  const key = keys.artifact(runId, name);
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const [stored] = await storage.read([key], { signal, fresh: true });
    const batch = operations(stored && readable(stored.bytes, key), stored?.version);
    if (batch.length === 0) return;
    const [result] = await storage.write(batch, { signal });
    if (result?.ok) return;
    if (attempt > 2) await sleep(clock, backoffMs(attempt - 2, { initialMs: 1, maxMs: 50 }, systemRandom), signal);
  }
  throw new ConflictError(`Artifact '${name}' of run ${runId} was changed by others at each of ${attempts} attempts; try again when it is less busy.`, { key: name });
}

/** Replacing a record that cannot be read is how it is mended, so it is no obstacle. */
function readable(bytes: Uint8Array, key: string): ArtifactRecord | undefined {
  try {
    return decode(bytes, key) as ArtifactRecord;
  } catch {
    return undefined;
  }
}
