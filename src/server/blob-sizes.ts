import type { Digest } from '../core/digest.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';

const remembered = 10_000;

/** The sizes of blobs, as each workspace knows them. A digest has one size for ever, so they are remembered; that a blob is there must be asked of the store. */
export class BlobSizes {
  readonly #sizes = new Map<string, number>();

  /** The size of a blob, or `undefined` when it is not there and was not either. */
  async of(workspace: string | undefined, storage: StorageAdapter, digest: Digest, options: OperationOptions): Promise<number | undefined> {
    const known = this.#sizes.get(nameOf(workspace, digest));
    if (known !== undefined) return known;
    // The first digest behind the one with its last digit cut off; only one that shares the other 63 could come before it.
    const { entries } = await storage.list({ kind: 'blob', after: digest.slice(0, -1), limit: 16 }, options);
    const size = entries.find(({ key }) => key === digest)?.size;
    if (size !== undefined) this.remember(workspace, digest, size);
    return size;
  }

  remember(workspace: string | undefined, digest: Digest, size: number): void {
    this.#sizes.set(nameOf(workspace, digest), size);
    if (this.#sizes.size <= remembered) return;
    for (const oldest of this.#sizes.keys()) {
      this.#sizes.delete(oldest);
      return;
    }
  }
}

function nameOf(workspace: string | undefined, digest: Digest): string {
  return workspace === undefined ? digest : `${workspace}/${digest}`;
}
