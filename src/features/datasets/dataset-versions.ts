import { encode } from '../../core/codec.ts';
import type { Clock } from '../../core/clock.ts';
import type { Digest } from '../../core/digest.ts';
import { ConflictError, NotFoundError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { escapeSegment, type Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter, Version } from '../../storage/contract.ts';
import { listAll, readValue, readValues, writeValue } from '../../storage/records.ts';
import { update } from '../../storage/update.ts';
import type { DatasetFacts, DatasetView } from './dataset-facts.ts';
import type { DatasetRef } from './dataset-ref.ts';

/** Entities that were forgotten while a dataset was being saved: digests of their keys. */
export interface DroppedKeys {
  readonly view: string;
  /** The parts of the keys, in the order of the digested texts. */
  readonly entity: readonly string[];
  readonly digests: readonly Digest[];
}

/** What is stored of a dataset when it is whole, besides its rows. */
export interface SavedContents extends Omit<DatasetFacts, 'name' | 'version' | 'schema'> {
  /** In their order. */
  readonly columns: readonly { readonly name: string; readonly type: DatasetFacts['schema'][string] }[];
  /** The blob with the chunks and the statistics. */
  readonly details: Digest;
}

/**
 * A dataset: being saved, or saved. It is there before the first row is read for it, so that whoever forgets an entity meanwhile can say so here, and the saving cannot end without having heard it.
 */
export interface DatasetBody {
  readonly name: string;
  readonly startedAt: number;
  readonly views: readonly DatasetView[];
  readonly dropped: readonly DroppedKeys[];
  readonly saved?: SavedContents | undefined;
}

/** A version of a dataset, and where its body is. */
export interface DatasetEntry {
  readonly version: number;
  readonly id: string;
  /** Digest over the contents, the query and the splits: what is the same is saved once. */
  readonly identity: Digest;
}

interface DatasetHead {
  readonly name: string;
  readonly next: number;
  readonly versions: readonly DatasetEntry[];
}

/** A body and the version of its record. */
export interface BodyRecord {
  readonly key: Key;
  readonly value: DatasetBody;
  readonly version: Version;
}

const headsPrefix = 'features/datasets/';
const bodiesPrefix = 'features/saved/';
const dayMs = 86_400_000;

/** The records of datasets. A version is there once the head of its name has it, which comes last; deleting begins with that. */
export class DatasetVersions {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;

  constructor(storage: StorageAdapter, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** Says that a dataset is being saved. */
  async begin(name: string, views: readonly DatasetView[], options: OperationOptions): Promise<BodyRecord> {
    await this.#sweep(name, options);
    const key = `${bodiesPrefix}${escapeSegment(name)}/${newId()}`;
    const value: DatasetBody = { name, startedAt: this.#clock.now(), views, dropped: [] };
    return { key, value, version: await writeValue(this.#storage, key, value, { ...options, condition: 'absent' }) };
  }

  /** Writes a body unless others have since it was read; returns whether it did. */
  async write({ key, version }: BodyRecord, value: DatasetBody, blobs: readonly Digest[], options: OperationOptions): Promise<boolean> {
    const [result] = await this.#storage.write([{ kind: 'put', key, bytes: encode(value, key), blobs, condition: { match: version }, operationId: newId() }], options);
    return result?.ok === true;
  }

  /** A body as it is now. */
  async body(key: Key, options: OperationOptions): Promise<BodyRecord | undefined> {
    const found = await readValue<DatasetBody>(this.#storage, key, { ...options, fresh: true });
    return found && { key, ...found };
  }

  /** Drops a body that no head has. */
  async drop(key: Key): Promise<void> {
    await this.#storage.write([{ kind: 'delete', key }]);
  }

  /** Makes a saved body a version, unless one has the same identity: that one then. */
  async publish(body: BodyRecord, identity: Digest, options: OperationOptions): Promise<DatasetEntry> {
    const { name } = body.value;
    const id = body.key.slice(body.key.lastIndexOf('/') + 1);
    for (;;) {
      const same = (await this.head(name, options))?.versions.findLast((entry) => entry.identity === identity);
      // One that has lost rows since is not what it was.
      const stands = same && (await this.body(keyOf(name, same), options))?.value.saved?.forgotten.length === 0 ? same : undefined;
      if (stands !== undefined) return stands;
      const { value } = await update<DatasetHead>(
        this.#storage,
        headsPrefix + escapeSegment(name),
        (present = { name, next: 1, versions: [] }) => {
          if (present.versions.findLast((entry) => entry.identity === identity)?.id !== same?.id) return present;
          return { ...present, next: present.next + 1, versions: [...present.versions, { version: present.next, id, identity }] };
        },
        options,
      );
      const mine = value.versions.find((entry) => entry.id === id);
      if (mine !== undefined) return mine;
    }
  }

  /** The versions of a name. */
  async head(name: string, options: OperationOptions): Promise<DatasetHead | undefined> {
    return (await readValue<DatasetHead>(this.#storage, headsPrefix + escapeSegment(name), { ...options, fresh: true }))?.value;
  }

  /** A version, the newest when none is named. Throws `NotFoundError` when it is not there. */
  async find({ name, version }: DatasetRef, options: OperationOptions): Promise<{ entry: DatasetEntry; body: BodyRecord }> {
    const versions = (await this.head(name, options))?.versions ?? [];
    const entry = version === undefined ? versions.at(-1) : versions.find((each) => each.version === version);
    const body = entry && (await this.body(keyOf(name, entry), options));
    if (entry !== undefined && body?.value.saved !== undefined) return { entry, body };
    throw new NotFoundError(
      versions.length === 0
        ? `There is no dataset '${name}'; save one with saveDataset('${name}', query).`
        : `There is no version ${version ?? entry?.version} of the dataset '${name}'; it has ${shownVersions(versions)}.`,
      { key: version === undefined ? name : `${name}@${version}` },
    );
  }

  /** Versions of all datasets by name and version, from behind a place in them. */
  async *entries(after: { key: Key; version: number } | undefined, options: OperationOptions): AsyncGenerator<{ headKey: Key; name: string; entry: DatasetEntry }> {
    const prefix = headsPrefix;
    const from = after === undefined ? undefined : prefix + after.key;
    const keys = async function* (storage: StorageAdapter): AsyncGenerator<Key> {
      if (from !== undefined) yield from;
      for await (const { key } of listAll(storage, { prefix, after: from }, options)) yield key;
    };
    for await (const key of keys(this.#storage)) {
      const head = (await readValue<DatasetHead>(this.#storage, key, options))?.value;
      for (const entry of head?.versions ?? []) {
        if (key !== from || entry.version > after!.version) yield { headKey: key.slice(prefix.length), name: head!.name, entry };
      }
    }
  }

  /** The bodies of versions, by one read. */
  async bodies(entries: readonly { readonly name: string; readonly entry: DatasetEntry }[], options: OperationOptions): Promise<(DatasetBody | undefined)[]> {
    const found = await readValues<DatasetBody>(this.#storage, entries.map(({ name, entry }) => keyOf(name, entry)), options);
    return found.map((body) => body?.value);
  }

  /** Keys of the bodies of all datasets, those included that are being saved. */
  async *bodyKeys(options: OperationOptions): AsyncGenerator<Key> {
    for await (const { key } of listAll(this.#storage, { prefix: bodiesPrefix }, options)) yield key;
  }

  /** Deletes a version, or all of a name. Their numbers are not given again. Throws `NotFoundError` when there is none. */
  async remove(ref: DatasetRef, options: OperationOptions): Promise<void> {
    const { entry: found } = await this.find(ref, options);
    const gone: DatasetEntry[] = [];
    await update<DatasetHead>(
      this.#storage,
      headsPrefix + escapeSegment(ref.name),
      (present = { name: ref.name, next: 1, versions: [] }) => {
        gone.length = 0;
        gone.push(...present.versions.filter((entry) => ref.version === undefined || entry.id === found.id));
        return gone.length === 0 ? present : { ...present, versions: present.versions.filter((entry) => !gone.includes(entry)) };
      },
      options,
    );
    const operations = gone.map((entry) => ({ kind: 'delete' as const, key: keyOf(ref.name, entry) }));
    if (operations.length > 0) await this.#storage.write(operations, options);
    await this.#sweep(ref.name, options);
  }

  /** Drops what was left by those who died while they saved or deleted. */
  async #sweep(name: string, options: OperationOptions): Promise<void> {
    const prefix = `${bodiesPrefix}${escapeSegment(name)}/`;
    const versions = (await this.head(name, options))?.versions ?? [];
    const known = new Set(versions.map((entry) => keyOf(name, entry)));
    for await (const { key } of listAll(this.#storage, { prefix }, options)) {
      if (known.has(key)) continue;
      const body = await this.body(key, options);
      if (body === undefined || this.#clock.now() - body.value.startedAt < dayMs) continue;
      // It may have become a version since the head was read.
      if ((await this.head(name, options))?.versions.some((entry) => keyOf(name, entry) === key)) continue;
      await this.#storage.write([{ kind: 'delete', key, condition: { match: body.version } }], options);
    }
  }
}

/** Where the body of a version is. */
export function keyOf(name: string, { id }: DatasetEntry): Key {
  return `${bodiesPrefix}${escapeSegment(name)}/${id}`;
}

/** Throws `ConflictError`: someone has taken the body away. */
export function abandoned(name: string): never {
  throw new ConflictError(`Saving the dataset '${name}' took so long that it was given up for dead; save it again.`, { key: name });
}

function shownVersions(versions: readonly DatasetEntry[]): string {
  const numbers = versions.map(({ version }) => version);
  return numbers.length > 20 ? `${numbers.slice(0, 10).join(', ')} … ${numbers.slice(-10).join(', ')}` : numbers.join(', ');
}
