import { utf8 } from '../../../src/core/bytes.ts';
import { digestOf, type Digest } from '../../../src/core/digest.ts';
import type { Random } from '../../../src/core/random.ts';
import type { StorageAdapter, Version, WriteCondition, WriteOperation, WriteResult } from '../../../src/storage/contract.ts';

/** Contents that can be told from all others, and made again from what a report says of them. */
export interface Content {
  readonly tag: string;
  readonly size: number;
}

/** A put, or a delete when it has no content. */
export interface IntendedWrite {
  readonly key: string;
  readonly content?: Content | undefined;
  readonly condition?: WriteCondition | undefined;
  readonly operationId?: string | undefined;
  /** Whether the condition holds, as far as the worker knows; its keys are its own, so it does know. */
  readonly holds: boolean;
}

/** What a worker is about to do. Plain data, so that a child process can report it. */
export type Intent =
  | { readonly kind: 'write'; readonly writes: readonly IntendedWrite[] }
  | { readonly kind: 'append'; readonly log: string; readonly writer: string; readonly entries: readonly Content[]; readonly operationId?: string | undefined; readonly buffered: boolean }
  | { readonly kind: 'deleteLog'; readonly log: string }
  | { readonly kind: 'writeBlob'; readonly content: Content; readonly digest: Digest }
  | { readonly kind: 'deleteBlob'; readonly digest: Digest }
  | { readonly kind: 'increment' };

/** How a call ended that was acknowledged. An increment that lost its race has changed nothing. */
export type Acknowledgement = { readonly results: readonly WriteResult[] } | { readonly changed: boolean };

/** Is told of every call before it is made, and again when it was acknowledged. Between the two it may have had its effect or not. */
export interface Reporter {
  begin(worker: string, intent: Intent): void;
  acknowledge(worker: string, acknowledgement: Acknowledgement): void;
}

/** The record that all workers increment. */
export const counterKey = 'counter';
/** The log that all workers append to. */
export const sharedLog = 'shared/log';

/** The bytes of a content. */
export function bytesOf({ tag, size }: Content): Uint8Array<ArrayBuffer> {
  const text = `${tag}|`;
  return utf8(text.repeat(Math.ceil(Math.max(size, text.length) / text.length))).slice(0, Math.max(size, text.length));
}

/** How a {@link Worker} works. */
export interface WorkerOptions {
  /** Its name: what it owns lies under it. */
  readonly name: string;
  readonly storage: StorageAdapter;
  readonly random: Random;
  readonly reporter: Reporter;
  /** Another for each life of the worker, so that contents and names of writes are never used twice. */
  readonly session: string;
  /** Records and entries are at most about this large; blobs four times as large. */
  readonly maxBytes: number;
}

/** Makes one random call after the other, on records, logs and blobs of its own, on a shared log and on a shared counter. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #versions = new Map<string, Version>();
  readonly #stale: Version[] = ['none'];
  readonly #blobs: Digest[] = [];
  #count = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** Learns what is there; to be called once before the first step. */
  async start(): Promise<void> {
    const { storage, name } = this.#options;
    const records = await storage.read(keysOf(name));
    keysOf(name).forEach((key, i) => {
      const version = records[i]?.version;
      if (version !== undefined) this.#versions.set(key, version);
    });
  }

  /** Makes one call. Rejects as the call does; from then on the worker must not be used. */
  async step(): Promise<void> {
    const { name, reporter } = this.#options;
    const intent = this.#nextIntent();
    reporter.begin(name, intent);
    reporter.acknowledge(name, await this.#perform(intent));
  }

  #nextIntent(): Intent {
    const { name, random } = this.#options;
    const kind = random();
    if (kind < 0.5) return { kind: 'write', writes: this.#nextWrites() };
    if (kind < 0.75) {
      const entries = Array.from({ length: 1 + Math.floor(random() * 3) }, () => this.#content(1));
      const log = random() < 0.4 ? sharedLog : `${name}/log`;
      return { kind: 'append', log, writer: name, entries, operationId: this.#operationId(), buffered: random() < 0.2 };
    }
    if (kind < 0.77) return { kind: 'deleteLog', log: `${name}/log` };
    if (kind < 0.87) {
      const content = this.#content(4);
      return { kind: 'writeBlob', content, digest: digestOf(bytesOf(content)) };
    }
    if (kind < 0.9 && this.#blobs.length > 0) return { kind: 'deleteBlob', digest: this.#blobs.splice(Math.floor(random() * this.#blobs.length), 1)[0]! };
    return { kind: 'increment' };
  }

  #nextWrites(): IntendedWrite[] {
    const { name, random } = this.#options;
    const size = random() < 0.7 ? 1 : 2 + Math.floor(random() * 4);
    const keys = keysOf(name).sort(() => random() - 0.5).slice(0, size);
    return keys.map((key) => {
      const present = this.#versions.get(key);
      const content = random() < 0.8 ? this.#content(1) : undefined;
      const stale = this.#stale[Math.floor(random() * this.#stale.length)]!;
      const choices: [WriteCondition | undefined, boolean][] = [
        [undefined, true],
        present === undefined ? [content && 'absent', true] : [{ match: present }, true],
        [{ match: stale }, false],
        content ? ['absent', present === undefined] : [undefined, true],
      ];
      const [condition, holds] = choices[Math.floor(random() * choices.length)]!;
      return { key, content, condition, holds, operationId: this.#operationId() };
    });
  }

  async #perform(intent: Intent): Promise<Acknowledgement> {
    const { storage } = this.#options;
    switch (intent.kind) {
      case 'write': {
        const results = await storage.write(intent.writes.map(operationOf));
        intent.writes.forEach(({ key }, i) => this.#learn(key, results[i]!));
        return { results };
      }
      case 'append':
        await appendIntended(storage, intent);
        return { changed: true };
      case 'deleteLog':
        await storage.deleteLog(intent.log);
        return { changed: true };
      case 'writeBlob':
        await storage.writeBlob(inPieces(bytesOf(intent.content), 1 + Math.floor(this.#options.random() * 3)), { digest: intent.digest });
        this.#blobs.push(intent.digest);
        return { changed: true };
      case 'deleteBlob':
        await storage.deleteBlob(intent.digest);
        return { changed: true };
      case 'increment':
        return { changed: await increment(storage) };
    }
  }

  #learn(key: string, result: WriteResult): void {
    if (!result.ok) return;
    const before = this.#versions.get(key);
    if (before !== undefined) this.#stale.push(before);
    if (result.version === undefined) this.#versions.delete(key);
    else this.#versions.set(key, result.version);
  }

  #content(scale: number): Content {
    const { name, session, maxBytes, random } = this.#options;
    return { tag: `${name}.${session}.${++this.#count}`, size: Math.floor(random() ** 3 * maxBytes * scale) };
  }

  #operationId(): string | undefined {
    const { name, session, random } = this.#options;
    return random() < 0.5 ? `${name}.${session}.op${++this.#count}` : undefined;
  }
}

/** The keys that a worker owns. */
export function keysOf(worker: string): string[] {
  return Array.from({ length: 6 }, (_, i) => (i < 3 ? `${worker}/k${i}` : `shared/${worker}/k${i}`));
}

/** The operation of an intended write. */
export function operationOf({ key, content, condition, operationId }: IntendedWrite): WriteOperation {
  if (content) return { kind: 'put', key, bytes: bytesOf(content), condition, operationId };
  return { kind: 'delete', key, condition: typeof condition === 'object' ? condition : undefined, operationId };
}

/** Makes an intended append. */
export async function appendIntended(storage: StorageAdapter, intent: Extract<Intent, { kind: 'append' }>): Promise<void> {
  const { log, writer, entries, operationId, buffered } = intent;
  await storage.append(log, entries.map(bytesOf), { writer, operationId, ...(buffered ? { durability: 'buffered' } : {}) });
}

/** Adds one to the counter, unless someone else was first. */
async function increment(storage: StorageAdapter): Promise<boolean> {
  const [record] = await storage.read([counterKey]);
  const value = record ? Number(new TextDecoder().decode(record.bytes)) : 0;
  const condition = record ? { match: record.version } : 'absent';
  const [result] = await storage.write([{ kind: 'put', key: counterKey, bytes: utf8(String(value + 1)), condition }]);
  return result!.ok;
}

async function* inPieces(bytes: Uint8Array, pieces: number): AsyncGenerator<Uint8Array> {
  const size = Math.ceil(bytes.length / pieces);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
