import { canonicalJson } from './codec.ts';
import { digestOf, type Digest } from './digest.ts';

/** One file of a model. */
export interface ModelFile {
  /** Relative, its parts joined by `/`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Digest of its bytes. */
  readonly digest: Digest;
}

/**
 * The identity of a set of files: the digest of the canonical text of their paths, sizes and digests. The same files have the same identity in every store, in
 * whatever order they were given.
 */
export function manifestDigest(files: readonly ModelFile[]): Digest {
  const lines = [...files].sort(byPath).map(({ path, size, digest }) => [path, size, digest]);
  return digestOf(canonicalJson({ format: 'modelkeep.manifest/1', files: lines }));
}

/** Orders files by their paths, by UTF-16 code unit. */
export function byPath(a: ModelFile, b: ModelFile): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}
