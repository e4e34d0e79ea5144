import type { Clock } from '../../core/clock.ts';
import { canonicalJson, type Encodable } from '../../core/codec.ts';
import { ValidationError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import type { ArtifactRecord } from './artifact-record.ts';
import { artifactMediaType, valueMediaType } from './media-type.ts';
import { writeArtifact, type LogArtifactOptions } from './write-artifact.ts';

/**
 * Stores a value as JSON, keys sorted, so that equal values have equal digests; `undefined` properties are left out. What JSON can say is plain JSON of type `application/json`, which any program reads; a value with NaN,
 * ±Infinity, -0, bigints, dates or bytes is kept in modelkeep's form, of a media type of its own, and `readArtifactJson` gives it back. Throws `ValidationError` with the path of what is no plain data.
 */
export async function writeJson(storage: StorageAdapter, clock: Clock, runId: string, name: string, value: Encodable, options: OperationOptions = {}): Promise<ArtifactRecord> {
  const canonical = canonicalJson(value, name);
  const plain = isJson(value);
  return writeArtifact(storage, clock, runId, name, plain ? JSON.stringify(sorted(value)) : canonical, { ...options, mediaType: plain ? 'application/json' : valueMediaType });
}

/** Stores a text as UTF-8. Throws `ValidationError` for what is no text. */
export async function writeText(storage: StorageAdapter, clock: Clock, runId: string, name: string, text: string, options: LogArtifactOptions = {}): Promise<ArtifactRecord> {
  if (typeof text !== 'string') throw new ValidationError(`The text of artifact '${name}' is ${shown(text, 80)}; give a text, or use logArtifact for other contents.`, { path: 'text' });
  return writeArtifact(storage, clock, runId, name, text, { ...options, mediaType: artifactMediaType(name, text, options.mediaType) });
}

/** Whether JSON keeps all of a value; what is no plain data at all was refused before. */
function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || value === null) return typeof value !== 'bigint';
  if (value instanceof Date || value instanceof Uint8Array) return false;
  return Object.values(value).every(isJson);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const fields = value as Record<string, unknown>;
  const names = Object.keys(fields).sort();
  return Object.fromEntries(names.map((name) => [name, sorted(fields[name])]));
}
