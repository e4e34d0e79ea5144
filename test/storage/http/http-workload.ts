import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { Random } from 'modelkeep';
import { fromUtf8, utf8 } from '../../../src/core/bytes.ts';
import { seededRandom } from '../../../src/core/random.ts';
import { listAll } from '../../../src/storage/records.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';
import { update } from '../../../src/storage/update.ts';

const counters = ['counters/a', 'counters/b', 'counters/c'];
const sharedLog = 'shared/log';

/** What the store must hold when all is done, as the answers promised it. */
export interface Oracle {
  readonly counters: Map<string, number>;
  readonly records: Map<string, string>;
  /** Entries of the shared log, by writer. */
  readonly entries: Map<string, string[]>;
  readonly blobs: Set<string>;
  operations: number;
}

export interface WorkOptions {
  readonly workers: number;
  /** How many calls of the storage, at least. */
  readonly operations: number;
  readonly seed: number;
  /** One in so many blobs is larger than a part. @default none */
  readonly largeBlobs?: number;
}

/** Workers that each go through random operations, checking every answer against what they know to be there. Nothing but success is an answer. */
export async function work(storage: StorageAdapter, { workers, operations, seed, largeBlobs = 0 }: WorkOptions): Promise<Oracle> {
  const oracle: Oracle = { counters: new Map(), records: new Map(), entries: new Map(), blobs: new Set(), operations: 0 };
  const counted = counting(storage, () => oracle.operations++);
  const shares = Array.from({ length: workers }, (_, i) => new Worker(counted, oracle, `w${i}`, seededRandom(seed + i)));
  let large = largeBlobs;
  await Promise.all(
    shares.map(async (worker) => {
      while (oracle.operations < operations) {
        if (large > 0 && oracle.operations > (operations / (largeBlobs + 1)) * (largeBlobs - large + 1)) {
          large--;
          await worker.blob(8 * 1024 * 1024 + 1 + large * 100_000);
        } else await worker.step();
      }
    }),
  );
  return oracle;
}

/** The same storage, telling of each call. */
function counting(storage: StorageAdapter, count: () => void): StorageAdapter {
  return new Proxy(storage, {
    get: (target, name: keyof StorageAdapter) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        count();
        return Reflect.apply(member, target, args) as unknown;
      };
    },
  });
}

class Worker {
  readonly #storage: StorageAdapter;
  readonly #oracle: Oracle;
  readonly #name: string;
  readonly #random: Random;
  readonly #own = new Map<string, string>();
  #count = 0;

  constructor(storage: StorageAdapter, oracle: Oracle, name: string, random: Random) {
    this.#storage = storage;
    this.#oracle = oracle;
    this.#name = name;
    this.#random = random;
  }

  async step(): Promise<void> {
    const kind = this.#random();
    if (kind < 0.2) return this.#increment();
    if (kind < 0.35) return this.#put();
    if (kind < 0.45) return this.#create();
    if (kind < 0.5) return this.#delete();
    if (kind < 0.65) return this.#append();
    if (kind < 0.7) return this.blob(Math.floor(this.#random() * 20_000));
    if (kind < 0.85) return this.#read();
    if (kind < 0.97) return this.#list();
    return this.#readLog();
  }

  async blob(size: number): Promise<void> {
    const bytes = new Uint8Array(size).fill(this.#random() * 256);
    utf8(`${this.#name} ${this.#count++}`).forEach((byte, i) => (bytes[i] = byte));
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as const;
    expect(await this.#storage.writeBlob(inChunks(bytes, 60_000))).toEqual({ digest, size });
    this.#oracle.blobs.add(digest);
    const found = createHash('sha256');
    for await (const chunk of (await this.#storage.readBlob(digest))!) found.update(chunk);
    expect(`sha256:${found.digest('hex')}`).toBe(digest);
  }

  async #increment(): Promise<void> {
    const key = counters[Math.floor(this.#random() * counters.length)]!;
    await update<number>(this.#storage, key, (value) => (value ?? 0) + 1, { attempts: 10_000 });
    this.#oracle.counters.set(key, (this.#oracle.counters.get(key) ?? 0) + 1);
  }

  async #put(): Promise<void> {
    const key = `records/${this.#name}/${Math.floor(this.#random() * 20)}`;
    const text = `${this.#count++} `.repeat(1 + this.#random() * 50);
    expect(await this.#storage.write([{ kind: 'put', key, bytes: utf8(text) }])).toEqual([{ ok: true, version: expect.any(String) as string }]);
    this.#set(key, text);
  }

  /** Two of which each may meet what a lost answer left. */
  async #create(): Promise<void> {
    const keys = [0, 1].map(() => `records/${this.#name}/new-${this.#count++}`);
    const results = await this.#storage.write(keys.map((key) => ({ kind: 'put', key, bytes: utf8(key), condition: 'absent' })));
    expect(results.map(({ ok }) => ok)).toEqual([true, true]);
    for (const key of keys) this.#set(key, key);
    const [again] = await this.#storage.write([{ kind: 'put', key: keys[0]!, bytes: utf8('other'), condition: 'absent' }]);
    expect(again).toEqual({ ok: false, reason: 'conflict', version: results[0]!.version });
  }

  async #delete(): Promise<void> {
    const key = [...this.#own.keys()][0];
    if (key === undefined) return;
    const [record] = await this.#storage.read([key]);
    expect(await this.#storage.write([{ kind: 'delete', key, condition: { match: record!.version } }])).toEqual([{ ok: true, version: undefined }]);
    this.#own.delete(key);
    this.#oracle.records.delete(key);
  }

  async #append(): Promise<void> {
    const texts = Array.from({ length: 1 + Math.floor(this.#random() * 4) }, () => `${this.#name} ${this.#count++}`);
    const own = this.#oracle.entries.get(this.#name) ?? [];
    this.#oracle.entries.set(this.#name, own);
    // Two that wait for each other.
    await Promise.all([texts.slice(0, 2), texts.slice(2)].map((part) => this.#storage.append(sharedLog, part.map(utf8), { writer: this.#name })));
    own.push(...texts);
  }

  async #read(): Promise<void> {
    const keys = [...this.#own.keys()].slice(0, 5);
    const records = await this.#storage.read([...keys, 'absent/key']);
    expect(records.map((record) => record && fromUtf8(record.bytes))).toEqual([...keys.map((key) => this.#own.get(key)), undefined]);
  }

  async #list(): Promise<void> {
    const page = await this.#storage.list({ prefix: `records/${this.#name}/`, limit: 10 });
    expect(page.entries.map(({ key }) => key)).toEqual([...this.#own.keys()].sort().slice(0, 10));
  }

  async #readLog(): Promise<void> {
    const own: string[] = [];
    for await (const { writer, bytes } of this.#storage.readLog(sharedLog)) if (writer === this.#name) own.push(fromUtf8(bytes));
    expect(own).toEqual(this.#oracle.entries.get(this.#name) ?? []);
  }

  #set(key: string, text: string): void {
    this.#own.set(key, text);
    this.#oracle.records.set(key, text);
  }
}

/** Fails unless the store holds what the oracle says, and nothing else. */
export async function compareWithOracle(storage: StorageAdapter, oracle: Oracle): Promise<void> {
  for (const [key, count] of oracle.counters) expect([key, fromUtf8((await storage.read([key]))[0]!.bytes)]).toEqual([key, String(count)]);
  const found = new Map<string, string>();
  for await (const { key } of listAll(storage, { kind: 'record', prefix: 'records/' })) found.set(key, fromUtf8((await storage.read([key]))[0]!.bytes));
  expect(found).toEqual(new Map([...oracle.records].sort(([a], [b]) => (a < b ? -1 : 1))));
  const entries = new Map<string, string[]>();
  for await (const { writer, sequence, bytes } of storage.readLog(sharedLog)) {
    const own = entries.get(writer) ?? [];
    entries.set(writer, own);
    expect(own.push(fromUtf8(bytes))).toBe(sequence);
  }
  expect(entries).toEqual(new Map([...oracle.entries].filter(([, texts]) => texts.length > 0)));
  const blobs: string[] = [];
  for await (const { key } of listAll(storage, { kind: 'blob' })) blobs.push(key);
  expect(blobs).toEqual([...oracle.blobs].sort());
}

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
