import type { Key } from '../../core/key.ts';
import type { LogPosition, Version } from '../contract.ts';
import { encodePosition } from '../log-position.ts';
import { arrayRange, findAll, headOf, headRange, parseHead, type KeyRanges } from './layout.ts';
import type { PackedEntries } from './packed-entries.ts';

/** Key of a row: log, writer, sequence of the last entry in it, bytes of it. */
export type RowKey = [log: Key, writer: string, last: number, bytes: number];

/** An append that is to be done. */
export interface AppendJob {
  readonly log: Key;
  readonly writer: string;
  readonly packs: readonly PackedEntries[];
  readonly operationId: string | undefined;
}

/** Does appends within a transaction. */
export type LogCommit = (jobs: readonly AppendJob[], logs: IDBObjectStore, entries: IDBObjectStore) => Promise<LogPosition[]>;

/** Appends in the order of the jobs; one whose name is there already is left out, and gives the position of then. */
export async function appendJobs(jobs: readonly AppendJob[], logs: IDBObjectStore, entries: IDBObjectStore, ranges: KeyRanges, newVersion: () => Version): Promise<LogPosition[]> {
  const [heads, lasts, earlier] = await Promise.all([
    findAll(jobs.map(({ log }) => log), (log) => logs.getKey(headRange(ranges, log))),
    findAll(jobs.map(sequenceOf), (sequence) => entries.openKeyCursor(arrayRange(ranges, ...sequence.split(',')), 'prev')),
    findAll(jobs.flatMap((job) => nameOf(job) ?? []), (name) => entries.index('names').getKey(name)),
  ]);
  const ends = new Map([...lasts].map(([sequence, cursor]) => [sequence, endOf(cursor?.key)]));
  const named = new Map<string | undefined, number>();
  for (const [name, key] of earlier) if (key !== undefined) named.set(name, endOf(key));
  const grown = new Map<Key, number>();

  const positions = jobs.map((job) => {
    const { log, writer, packs } = job;
    const name = nameOf(job);
    let end = named.get(name) ?? ends.get(sequenceOf(job))!;
    if (!named.has(name)) {
      packs.forEach((pack, i) => {
        end += pack.lengths.length;
        entries.put(name !== undefined && i === packs.length - 1 ? { ...pack, names: name } : pack, [log, writer, end, pack.bytes.length] satisfies RowKey);
        grown.set(log, (grown.get(log) ?? 0) + pack.bytes.length);
      });
      ends.set(sequenceOf(job), end);
      if (name !== undefined && packs.length > 0) named.set(name, end);
    }
    return encodePosition(new Map([[writer, end]]));
  });

  for (const [log, bytes] of grown) {
    const head = heads.get(log);
    if (head !== undefined) logs.delete(head);
    logs.put(0, headOf(log, newVersion(), bytes + (head === undefined ? 0 : parseHead(head).size)));
  }
  return positions;
}

const endOf = (key: IDBValidKey | undefined): number => (key as RowKey | undefined)?.[2] ?? 0;

// No key has a comma.
const sequenceOf = ({ log, writer }: AppendJob): string => `${log},${writer}`;

const nameOf = (job: AppendJob): string | undefined => job.operationId === undefined ? undefined : `${sequenceOf(job)},${job.operationId}`;
