import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, replicate, type StorageAdapter } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { compare, measure, type Benchmark } from './harness.ts';

interface Pair {
  readonly from: StorageAdapter;
  readonly open: () => StorageAdapter;
  readonly directory: string | undefined;
  to: StorageAdapter;
  count: number;
}

const recordCount = 20_000;
const entryCount = 500_000;
const value = new Uint8Array(200).fill(7);

async function pairOf(kind: 'memory' | 'filesystem', fill: (from: StorageAdapter) => Promise<void>): Promise<Pair> {
  const directory = kind === 'memory' ? undefined : await mkdtemp(join(tmpdir(), 'modelkeep-bench-'));
  let opened = 0;
  const open = (): StorageAdapter => (directory === undefined ? new MemoryStorage() : new FilesystemStorage(join(directory, String(opened++))));
  const from = open();
  await fill(from);
  return { from, open, directory, to: open(), count: 0 };
}

async function newTarget(pair: Pair): Promise<void> {
  await pair.to.close();
  pair.to = pair.open();
}

async function teardown({ from, to, directory }: Pair): Promise<void> {
  await from.close();
  await to.close();
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
}

async function fillRecords(from: StorageAdapter, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1000) {
    await from.write(Array.from({ length: Math.min(1000, count - at) }, (_, i) => ({ kind: 'put', key: `runs/${String(at + i).padStart(7, '0')}`, bytes: value })));
  }
}

async function fillEntries(from: StorageAdapter): Promise<void> {
  for (let at = 0; at < entryCount; at += 10_000) await from.append('metrics', Array.from({ length: 10_000 }, () => value.subarray(0, 24)), { writer: 'w' });
}

async function link({ from, to }: Pair): Promise<void> {
  await using replication = replicate({ from, to });
  await replication.settled();
}

/** What any copy must do: list, read and write, a thousand at a time. */
async function copyRecords({ from, to }: Pair): Promise<void> {
  let after: string | undefined;
  do {
    const { entries, next } = await from.list({ limit: 1000, after, prefix: 'runs/' });
    const records = await from.read(entries.map(({ key }) => key));
    await to.write(records.map((record, i) => ({ kind: 'put', key: entries[i]!.key, bytes: record!.bytes, condition: 'absent' })));
    after = next;
  } while (after !== undefined);
}

async function copyEntries({ from, to }: Pair): Promise<void> {
  let held: Uint8Array[] = [];
  for await (const { bytes } of from.readLog('metrics')) {
    held.push(bytes);
    if (held.length < 10_000) continue;
    await to.append('metrics', held, { writer: 'w' });
    held = [];
  }
}

function copies(kind: 'memory' | 'filesystem'): Benchmark[] {
  const options = { teardown, before: newTarget, unit: 'operations/s', runs: 3 } as const;
  return [
    compare(`records brought from ${kind} to ${kind} (baseline: list, read and write them)`, link, copyRecords, {
      ...options,
      setup: () => pairOf(kind, (from) => fillRecords(from, recordCount)),
      operations: recordCount,
    }),
    compare(`entries brought from ${kind} to ${kind} (baseline: read and append them)`, link, copyEntries, { ...options, setup: () => pairOf(kind, fillEntries), operations: entryCount }),
  ];
}

async function listed({ from }: Pair): Promise<void> {
  let after: string | undefined;
  do after = (await from.list({ after })).next;
  while (after !== undefined);
}

async function brought(kind: 'memory' | 'filesystem'): Promise<Pair> {
  const pair = await pairOf(kind, (from) => fillRecords(from, 100_000));
  await link(pair);
  return pair;
}

export const benchmarks: Benchmark[] = [
  ...copies('memory'),
  ...copies('filesystem'),
  compare('a new link over 100,000 records in memory that have all arrived (baseline: list them)', link, listed, { setup: () => brought('memory'), teardown, runs: 5, target: { ratioAtMost: 10 } }),
  compare('a new link over 100,000 records in a directory that have all arrived (baseline: list them)', link, listed, {
    setup: () => brought('filesystem'),
    teardown,
    runs: 5,
    target: { ratioAtMost: 5 },
  }),
  measure(
    'one record of 100,000 changes and arrives, in directories',
    async (pair) => {
      await pair.from.write([{ kind: 'put', key: `runs/${String((pair.count += 7919) % 100_000).padStart(7, '0')}`, bytes: new TextEncoder().encode(String(pair.count)) }]);
      await link(pair);
    },
    { setup: () => brought('filesystem'), teardown, runs: 5 },
  ),
];
