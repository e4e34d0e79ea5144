import { encode } from '../../core/codec.ts';
import { escapeSegment, type Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { Version, WriteOperation } from '../../storage/contract.ts';
import { listAll } from '../../storage/records.ts';
import type { RunStore } from '../run-store.ts';

/** Where runs are looked for that have to do with a digest, each list the latest id first. */
export interface DigestCandidates {
  /** Those that the index names. */
  readonly named: readonly string[];
  /** Those that it does not know as they are: that have not ended, or were not looked at since. */
  readonly unknown: ReadonlyMap<string, HeadPlace>;
}

/** Where a head stands that the index does not know. */
export interface HeadPlace {
  readonly version: Version;
  /** Marks that it is known at versions that it is not at. */
  readonly stale: readonly Key[];
}

/** A run as it is to be known to the index. */
export interface IndexedRun {
  readonly id: string;
  /** Of its head, as it was before its steps were read. */
  readonly head: HeadPlace;
  /** Of what its steps were given and put out. */
  readonly digests: readonly string[];
}

const listSize = 10_000;

/**
 * The runs that may have to do with one of some digests. The index is filled by those who search and never trusted: it says at which version of a head it knows a run, and a run whose head is at another counts as unknown. What it names
 * is to be looked at.
 */
export async function digestCandidates(store: RunStore, digests: readonly string[], options: OperationOptions): Promise<DigestCandidates> {
  const unknown = new Map<string, { readonly version: Version; readonly stale: Key[] }>();
  const heads = `${store.root}/runs/`;
  for await (const { key, version } of listAll(store.storage, { prefix: heads, limit: listSize }, options)) unknown.set(key.slice(heads.length), { version, stale: [] });
  const marks = `${marksOf(store)}/`;
  for await (const { key } of listAll(store.storage, { prefix: marks, limit: listSize }, options)) {
    const [run = '', version] = key.slice(marks.length).split('/');
    const present = unknown.get(run);
    if (present === undefined) continue;
    if (escapeSegment(present.version) === version) unknown.delete(run);
    else present.stale.push(key);
  }
  // After the marks: whatever is marked is named by now.
  const named = new Set<string>();
  for (const digest of digests) {
    const prefix = `${namesOf(store, digest)}/`;
    for await (const { key } of listAll(store.storage, { prefix, limit: listSize }, options)) named.add(key.slice(prefix.length));
  }
  return { named: [...named].filter((run) => !unknown.has(run)).sort().reverse(), unknown: new Map([...unknown].reverse()) };
}

/** Makes runs known that have ended. What the index says of them comes before the mark that it knows them. */
export async function indexDigests(store: RunStore, runs: readonly IndexedRun[], options: OperationOptions): Promise<void> {
  const operations: WriteOperation[] = [];
  const bytes = encode(null);
  for (const { id, head, digests } of runs) {
    for (const digest of new Set(digests)) operations.push({ kind: 'put', key: `${namesOf(store, digest)}/${id}`, bytes });
    for (const key of head.stale) operations.push({ kind: 'delete', key });
    operations.push({ kind: 'put', key: `${marksOf(store)}/${id}/${escapeSegment(head.version)}`, bytes });
  }
  if (operations.length > 0) await store.storage.write(operations, options);
}

function namesOf({ root }: RunStore, digest: string): Key {
  return `${root}/digests/${escapeSegment(digest)}`;
}

function marksOf({ root }: RunStore): Key {
  return `${root}/digested`;
}
