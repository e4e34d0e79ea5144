import { utf8 } from '../../core/bytes.ts';
import { digestOf, type Digest } from '../../core/digest.ts';
import { seededRandom, type Random } from '../../core/random.ts';
import type { StorageAdapter, StoredRecord, WriteCondition, WriteOperation, WriteResult } from '../contract.ts';
import { assert, assertEqual } from './assertions.ts';
import { entriesOf, entriesOfList, inChunks, readBytes } from './calls.ts';
import type { ClaimedSupports, DeclareTest, TestStore } from './test-store.ts';

const keys = ['a', 'a/b', 'a/b/c', 'ab', 'b/1', 'b/2', 'b/10', 'c'];
const logs = ['a', 'a/b', 'log'];
const writers = ['v', 'w'];

/** What the store must hold, kept in the plainest way there is. */
interface Model {
  readonly records: Map<string, StoredRecord>;
  /** Entries by log and writer. */
  readonly logs: Map<string, Map<string, Uint8Array[]>>;
  readonly blobs: Map<Digest, Uint8Array>;
  /** Named writes that took effect, to be repeated. */
  readonly named: { operation: WriteOperation; result: WriteResult }[];
  /** Every version that was ever given. */
  readonly versions: Set<string>;
}

/** Random calls, compared with a model after each: a failure names the seed that repeats it. */
export function modelTest(test: DeclareTest, supports: ClaimedSupports, seed: number, operations: number): void {
  test(`${operations} random calls do what a model does (seed ${seed})`, async (store) => {
    const random = seededRandom(seed);
    const model: Model = { records: new Map(), logs: new Map(), blobs: new Map(), named: [], versions: new Set() };
    let instances = [store.storage, ...(supports.sharedBetweenProcesses ? [await store.another()] : [])];
    for (let i = 0; i < operations; i++) {
      try {
        if (supports.durability !== 'memory' && random() < 0.01) instances = await reopen(store, supports);
        await step(pick(instances, random), model, random);
        if (i % 25 === 24 || i === operations - 1) await compare(pick(instances, random), model);
      } catch (cause) {
        throw new Error(`Call ${i + 1} of the model test with seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
      }
    }
  });
}

async function reopen(store: TestStore, supports: ClaimedSupports): Promise<StorageAdapter[]> {
  const storage = await store.reopen();
  return supports.sharedBetweenProcesses ? [storage, await store.another()] : [storage];
}

async function step(storage: StorageAdapter, model: Model, random: Random): Promise<void> {
  const kind = random();
  if (kind < 0.5) return writeSome(storage, model, random);
  if (kind < 0.75) return appendSome(storage, model, random);
  if (kind < 0.78) {
    const log = pick(logs, random);
    await storage.deleteLog(log);
    model.logs.delete(log);
    return;
  }
  if (kind < 0.88) {
    const bytes = new Uint8Array(Math.floor(random() ** 4 * 100_000)).fill(random() * 4);
    const ref = await storage.writeBlob(inChunks(bytes, 1 + Math.floor(random() * 40_000)));
    assertEqual(ref, { digest: digestOf(bytes), size: bytes.length }, 'writeBlob');
    model.blobs.set(ref.digest, bytes);
    return;
  }
  if (kind < 0.92 && model.blobs.size > 0) {
    const digest = pick([...model.blobs.keys()], random);
    await storage.deleteBlob(digest);
    model.blobs.delete(digest);
    return;
  }
  if (model.named.length > 0) {
    const { operation, result } = pick(model.named, random);
    assertEqual(await storage.write([operation]), [result], `repeating ${describe(operation)}`);
  }
}

async function writeSome(storage: StorageAdapter, model: Model, random: Random): Promise<void> {
  const operations = Array.from({ length: 1 + Math.floor(random() ** 2 * 5) }, () => randomOperation(model, random));
  const results = await storage.write(operations);
  assertEqual(results.length, operations.length, 'results');
  operations.forEach((operation, i) => applyWrite(model, operation, results[i]!));
}

function randomOperation(model: Model, random: Random): WriteOperation {
  const key = pick(keys, random);
  const operationId = random() < 0.5 ? `op-${random()}` : undefined;
  const match = random() < 0.7 ? model.records.get(key)?.version : pick([...model.versions], random);
  const matching = match === undefined ? undefined : { match };
  if (random() < 0.25) return { kind: 'delete', key, operationId, condition: random() < 0.5 ? undefined : matching };
  const condition: WriteCondition | undefined = pick([undefined, 'absent', matching], random);
  const bytes = utf8(String(random()).repeat(Math.floor(random() ** 6 * 5000)));
  return { kind: 'put', key, bytes, operationId, condition, blobs: random() < 0.2 ? [digestOf(key)] : undefined };
}

function applyWrite(model: Model, operation: WriteOperation, result: WriteResult): void {
  const { key, condition } = operation;
  const present = model.records.get(key)?.version;
  const holds = condition === undefined || (condition === 'absent' ? present === undefined : present === condition.match);
  if (!holds) {
    assertEqual(result, { ok: false, reason: 'conflict', version: present }, describe(operation));
    return;
  }
  assert(result.ok, `${describe(operation)} was refused where it should have taken effect`);
  if (operation.operationId !== undefined) model.named.push({ operation, result });
  if (operation.kind === 'delete') {
    assertEqual(result.version, undefined, `the version after ${describe(operation)}`);
    model.records.delete(key);
    return;
  }
  const version = result.version;
  assert(typeof version === 'string' && !model.versions.has(version), `${describe(operation)} gave the version ${version}, which was given before`);
  model.versions.add(version);
  model.records.set(key, { bytes: operation.bytes, version, blobs: operation.blobs ?? [] });
}

async function appendSome(storage: StorageAdapter, model: Model, random: Random): Promise<void> {
  const log = pick(logs, random);
  const writer = pick(writers, random);
  const entries = Array.from({ length: Math.floor(random() * 4) }, () => utf8(String(random()).repeat(Math.floor(random() * 20))));
  const operationId = random() < 0.3 ? `append-${random()}` : undefined;
  const position = await storage.append(log, entries, { writer, operationId });
  if (operationId !== undefined && entries.length > 0) assertEqual(await storage.append(log, entries, { writer, operationId }), position, 'repeating an append');
  if (entries.length === 0) return;
  const sequences = model.logs.get(log) ?? new Map<string, Uint8Array[]>();
  model.logs.set(log, sequences.set(writer, [...(sequences.get(writer) ?? []), ...entries]));
}

async function compare(storage: StorageAdapter, model: Model): Promise<void> {
  assertEqual(await storage.read(keys), keys.map((key) => model.records.get(key)), 'all records');
  const listed = [...model.records].map(([key, { version, bytes }]) => ({ key, version, size: bytes.length }));
  assertEqual(await entriesOfList(storage, { limit: 3 }), listed.sort(byKey), 'the list of records');
  assertEqual((await entriesOfList(storage, { kind: 'log', limit: 2 })).map(({ key, size }) => ({ key, size })), sizesOfLogs(model), 'the list of logs');
  for (const log of logs) {
    const found = new Map<string, Uint8Array[]>();
    for (const { writer, bytes } of await entriesOf(storage, log)) found.set(writer, [...(found.get(writer) ?? []), bytes]);
    for (const writer of writers) assertEqual(found.get(writer), model.logs.get(log)?.get(writer), `the entries of ${writer} in ${log}`);
  }
  const blobs = [...model.blobs].map(([key, bytes]) => ({ key, size: bytes.length })).sort(byKey);
  assertEqual((await entriesOfList(storage, { kind: 'blob', limit: 4 })).map(({ key, size }) => ({ key, size })), blobs, 'the list of blobs');
  const last = [...model.blobs].at(-1);
  if (last) assertEqual(await readBytes(storage, last[0]), last[1], `the blob ${last[0]}`);
}

function sizesOfLogs(model: Model): { key: string; size: number }[] {
  const sizes = [...model.logs].map(([key, sequences]) => ({ key, size: [...sequences.values()].flat().reduce((sum, entry) => sum + entry.length, 0) }));
  return sizes.sort(byKey);
}

function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

function describe(operation: WriteOperation): string {
  const { kind, key, condition } = operation;
  return `a ${kind} of ${key}${condition === undefined ? '' : ` on condition ${JSON.stringify(condition)}`}`;
}

function pick<T>(from: readonly T[], random: Random): T {
  return from[Math.floor(random() * from.length)]!;
}
