import { decode, encode } from '../core/codec.ts';
import { assertDigest, type Digest } from '../core/digest.ts';
import { ConflictError, ValidationError } from '../core/errors.ts';
import { isSegment, type Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import { clipRange } from '../storage/blob-range.ts';
import type { BlobOptions, BlobRef, DeleteBlobOptions, ListEntry, ListPage, ReadBlobOptions, StorageAdapter } from '../storage/contract.ts';
import { checkListQuery, type CheckedListQuery } from '../storage/list-page.ts';
import { ViewLifetime } from '../storage/view-lifetime.ts';
import { withPrefix } from '../storage/with-prefix.ts';

/** Where it stands which blobs each workspace has: a record per workspace and digest, which also keeps the blob from being collected. */
export const claimsPrefix = 'workspace-blobs/';

const digestPrefix = 'sha256:';

// What the parts of modelkeep call their own in a store: a workspace of such a name would be a door to it.
const taken = new Set([
  ...['tracking', 'registry', 'features', 'pipelines', 'monitors', 'lineage', 'uploads', 'workspace-blobs', 'workspaces'],
  ...['serving', 'deployments', 'experiments', 'alerts', 'schedules', 'reports', 'replication'],
]);

/** Whether a workspace may be called so. */
export function isWorkspaceName(name: string): boolean {
  return isSegment(name) && !taken.has(name);
}

/**
 * The store that a team has inside another, as `createStorageHandler` serves it under `/workspaces/<name>`: for programs on the server that work with the same data.
 *
 * Records and logs lie under the prefix `name`, as with `withPrefix`. Blobs of all workspaces lie together, since their names are their contents, but a workspace has only those that were
 * written through it: only those can be listed, read and deleted there. That someone else has the same bytes shows nowhere, and naming a digest is not having it. Deleting a blob
 * takes it from this workspace alone; the bytes go when no workspace and no record has them any more and the store is collected.
 *
 * Throws `ValidationError` for a name that is not one segment of a key, or that a part of modelkeep uses itself, such as `registry`.
 *
 * @param storage - The store that holds all workspaces.
 * @param name - One segment of a key, such as `team-a`.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry } from 'modelkeep';
 * import { workspaceStorage } from 'modelkeep/server';
 *
 * const storage = new MemoryStorage();
 * const teamA = new Registry({ storage: workspaceStorage(storage, 'team-a') });
 * await teamA.createModel('fraud', { description: 'Is this payment a fraud?' });
 * ```
 */
export function workspaceStorage(storage: StorageAdapter, name: string): StorageAdapter {
  if (!isWorkspaceName(name)) throw new ValidationError(`${shown(name)} cannot name a workspace: use one segment of a key that modelkeep does not use itself.`, { path: 'name' });
  const view = withPrefix(storage, name);
  const blobs = new WorkspaceBlobs(storage, name);
  const lifetime = new ViewLifetime(`The workspace ${name} was closed; open another one.`);
  const close = async (): Promise<void> => {
    await Promise.all([view.close(), lifetime.close()]);
  };
  return {
    ...view,
    // The blobs that are listed here are those of the workspace, and deleting one takes it from nobody else.
    supports: storage.supports,
    list: (query, options) =>
      lifetime.enter(async () => {
        const checked = checkListQuery(query);
        return checked.kind === 'blob' ? blobs.list(checked, options) : view.list(checked, options);
      }),
    writeBlob: (source, options) => lifetime.enter(() => blobs.write(source, options)),
    readBlob: (digest, options) => lifetime.enter(() => blobs.read(digest, options)),
    deleteBlob: (digest, options) => lifetime.enter(() => blobs.delete(digest, options)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The blobs of a workspace: those that it has a claim on, since it once held their bytes. */
class WorkspaceBlobs {
  readonly #storage: StorageAdapter;
  readonly #prefix: string;

  constructor(storage: StorageAdapter, name: string) {
    this.#storage = storage;
    this.#prefix = `${claimsPrefix}${name}/`;
  }

  async list({ after, limit }: CheckedListQuery, options?: OperationOptions): Promise<ListPage> {
    if (after !== undefined && after > `${digestPrefix}~`) return { entries: [] };
    const from = after?.startsWith(digestPrefix) ? this.#prefix + after.slice(digestPrefix.length) : undefined;
    const page = await this.#storage.list({ prefix: this.#prefix, after: from, limit }, options);
    const records = page.entries.length === 0 ? [] : await this.#storage.read(page.entries.map(({ key }) => key), options);
    const entries = page.entries.flatMap(({ key }, i): ListEntry[] => {
      const record = records[i];
      return record ? [{ key: digestPrefix + key.slice(this.#prefix.length), version: record.version, size: (decode(record.bytes, key) as BlobRef).size }] : [];
    });
    return page.next === undefined ? { entries } : { entries, next: digestPrefix + page.next.slice(this.#prefix.length) };
  }

  /** The claim comes last, and anew each time: what was collected meanwhile is there again by then. */
  async write(source: AsyncIterable<Uint8Array>, options: BlobOptions = {}): Promise<BlobRef> {
    const ref = await this.#storage.writeBlob(source, options);
    await this.#storage.write([{ kind: 'put', key: this.#claim(ref.digest), bytes: encode(ref), blobs: [ref.digest] }], { signal: options.signal });
    return ref;
  }

  async read(digest: Digest, options: ReadBlobOptions = {}): Promise<AsyncIterable<Uint8Array> | undefined> {
    clipRange(options.range, 0);
    const [claim] = await this.#storage.read([this.#claim(digest)], { signal: options.signal });
    return claim && this.#storage.readBlob(digest, options);
  }

  async delete(digest: Digest, { match, signal }: DeleteBlobOptions = {}): Promise<void> {
    const condition = match === undefined ? undefined : { match };
    const [result] = await this.#storage.write([{ kind: 'delete', key: this.#claim(digest), condition }], { signal });
    // Deleting what is not there is harmless, at whatever version.
    if (result?.ok === false && result.version !== undefined) throw new ConflictError(`The blob ${digest} was written anew in the meantime; list it again.`, { key: digest });
  }

  #claim(digest: Digest): Key {
    return this.#prefix + assertDigest(digest).slice(digestPrefix.length);
  }
}
