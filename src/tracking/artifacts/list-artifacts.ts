import { ValidationError } from '../../core/errors.ts';
import { unescapeSegment } from '../../core/key.ts';
import { checkOptionNames, type OptionNames } from '../../core/option-names.ts';
import type { Page } from '../../core/page.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { listAll } from '../../storage/records.ts';
import { checkName } from '../metric-name.ts';
import { readEach, readSoundUnder, type DamageListener } from '../../storage/read-each.ts';
import { keys } from '../tracking-keys.ts';
import type { ArtifactRecord } from './artifact-record.ts';

/** Which artifacts are listed. */
export interface ListArtifactsOptions extends OperationOptions {
  /** Names begin with it; need not end at a slash. @default every name */
  prefix?: string | undefined;
  /** At most this many. @default 1000 */
  limit?: number | undefined;
  /** The `next` of the page before. @default from the first */
  after?: string | undefined;
}

/** Part of a run's artifacts, ascending by name. */
export interface ArtifactPage extends Page<ArtifactRecord> {
  /** Artifacts of this part whose record cannot be read; they hide no other. */
  readonly damaged: readonly DamagedArtifact[];
}

/** An artifact whose record cannot be read. */
export interface DamagedArtifact {
  /** Its name, or the key of its record when the name is too long to be told from it. */
  readonly name: string;
  /** What is wrong with it. */
  readonly error: Error;
}

/** What stands in a folder of artifacts: a file, or another folder. */
export type ArtifactTreeEntry =
  | {
      /** Tells a file from a folder. */
      readonly kind: 'file';
      /** Its name in the folder. */
      readonly name: string;
      /** Its name in the run. */
      readonly path: string;
      /** All that is known of it. */
      readonly artifact: ArtifactRecord;
    }
  | {
      /** Tells a folder from a file. */
      readonly kind: 'directory';
      /** Its name in the folder above. */
      readonly name: string;
      /** What the names of the artifacts in it begin with, without the slash behind it. */
      readonly path: string;
      /** How many artifacts lie in it, at any depth. */
      readonly artifacts: number;
    };

/** Which folder of artifacts is looked into. */
export interface BrowseArtifactsOptions extends OperationOptions {
  /** The folder, without a slash behind it. @default the topmost */
  path?: string | undefined;
  /** At most this many entries. @default 1000 */
  limit?: number | undefined;
  /** The `next` of the page before. @default from the first */
  after?: string | undefined;
}

const listNames: OptionNames<ListArtifactsOptions> = { prefix: true, limit: true, after: true, signal: true };
const browseNames: OptionNames<BrowseArtifactsOptions> = { path: true, limit: true, after: true, signal: true };

/** The artifacts of a run, in the order of their keys; records that cannot be read are told of and left out. */
export function readArtifacts(storage: StorageAdapter, runId: string, onDamage: DamageListener, options: OperationOptions): AsyncGenerator<ArtifactRecord, void, undefined> {
  return readSoundUnder<ArtifactRecord>(storage, keys.artifacts(runId), onDamage, options);
}

/**
 * One page of a run's artifacts, ascending by name (by UTF-16 code unit). What is logged or deleted between two pages makes no other artifact be skipped or come twice. Costs a list of the run's keys, and a read of
 * the records on the page.
 */
export async function listArtifacts(storage: StorageAdapter, runId: string, options: ListArtifactsOptions = {}): Promise<ArtifactPage> {
  checkOptionNames(options, listNames, 'listArtifacts');
  const { prefix = '', after, signal } = options;
  if (typeof prefix !== 'string') throw new ValidationError(`prefix is ${shown(prefix, 80)}; give what the names begin with.`, { path: 'prefix' });
  const limit = checkPaging(options);
  const found = (await names(storage, runId, { signal })).filter(({ name }) => name.startsWith(prefix) && (after === undefined || name > after));
  const part = found.slice(0, limit);
  const { items, damaged } = await readNamed(storage, part, { signal });
  return { items, damaged, ...(found.length > part.length ? { next: part[part.length - 1]!.name } : {}) };
}

/**
 * What stands immediately in a folder of a run's artifacts, ascending by name; a name that is both an artifact and a folder gives two entries, on one page, the file first. Costs a list of the run's keys, and a read of
 * the records of the files on the page. An artifact whose record cannot be read is left out; {@link listArtifacts} tells of it.
 */
export async function browseArtifacts(storage: StorageAdapter, runId: string, options: BrowseArtifactsOptions = {}): Promise<Page<ArtifactTreeEntry>> {
  checkOptionNames(options, browseNames, 'browseArtifacts');
  const { path, after, signal } = options;
  const limit = checkPaging(options);
  const folder = path === undefined || path === '' ? '' : `${checkName(path, 'path')}/`;
  const children = new Map<string, { file?: Named; inside: number }>();
  for (const found of await names(storage, runId, { signal })) {
    if (!found.name.startsWith(folder)) continue;
    const rest = found.name.slice(folder.length);
    const slash = rest.indexOf('/');
    const name = slash < 0 ? rest : rest.slice(0, slash);
    if (after !== undefined && name <= after) continue;
    const child = children.get(name) ?? { inside: 0 };
    children.set(name, child);
    if (slash < 0) child.file = found;
    else child.inside++;
  }
  const ordered = [...children.keys()].sort(byCodeUnit);
  const part: string[] = [];
  let entries = 0;
  for (const name of ordered) {
    const { file, inside } = children.get(name)!;
    const count = (file ? 1 : 0) + (inside > 0 ? 1 : 0);
    if (part.length > 0 && entries + count > limit) break;
    part.push(name);
    entries += count;
  }
  const { items } = await readNamed(storage, part.flatMap((name) => children.get(name)!.file ?? []), { signal });
  const records = new Map(items.map((record) => [record.name, record]));
  const page = part.flatMap((name): ArtifactTreeEntry[] => {
    const full = `${folder}${name}`;
    const artifact = records.get(full);
    const { inside } = children.get(name)!;
    return [
      ...(artifact ? [{ kind: 'file' as const, name, path: full, artifact }] : []),
      ...(inside > 0 ? [{ kind: 'directory' as const, name, path: full, artifacts: inside }] : []),
    ];
  });
  return { items: page, ...(part.length < ordered.length ? { next: part[part.length - 1]! } : {}) };
}

interface Named {
  readonly name: string;
  readonly key: string;
}

/** The names of all artifacts of a run, ascending; a name too long for its key is read from its record. */
async function names(storage: StorageAdapter, runId: string, options: OperationOptions): Promise<Named[]> {
  const folder = keys.artifacts(runId);
  const found: Named[] = [];
  const hashed: string[] = [];
  for await (const { key } of listAll(storage, { prefix: folder }, options)) {
    const name = unescapeSegment(key.slice(folder.length));
    if (name === undefined) hashed.push(key);
    else found.push({ name, key });
  }
  const records = await readEach<ArtifactRecord>(storage, hashed, options);
  records.forEach((record, i) => {
    const key = hashed[i]!;
    if (record !== undefined) found.push({ name: 'value' in record ? record.value.name : key, key });
  });
  return found.sort((a, b) => byCodeUnit(a.name, b.name));
}

/** What was deleted since it was listed is in neither. */
async function readNamed(storage: StorageAdapter, found: readonly Named[], options: OperationOptions): Promise<{ items: ArtifactRecord[]; damaged: DamagedArtifact[] }> {
  const items: ArtifactRecord[] = [];
  const damaged: DamagedArtifact[] = [];
  const records = await readEach<ArtifactRecord>(storage, found.map(({ key }) => key), options);
  records.forEach((record, i) => {
    if (record === undefined) return;
    if ('value' in record) items.push(record.value);
    else damaged.push({ name: found[i]!.name, error: record.error as Error });
  });
  return { items, damaged };
}

function checkPaging({ limit = 1000, after }: { limit?: number | undefined; after?: string | undefined }): number {
  if (!Number.isSafeInteger(limit) || limit < 1) throw new ValidationError(`limit is ${shown(limit, 80)}; give a whole number of at least 1.`, { path: 'limit' });
  if (after !== undefined && typeof after !== 'string') throw new ValidationError(`after is ${shown(after, 80)}; give the 'next' of the page before.`, { path: 'after' });
  return limit;
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
