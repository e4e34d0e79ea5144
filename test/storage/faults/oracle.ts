import { collectBytes, fromUtf8 } from '../../../src/core/bytes.ts';
import type { Digest } from '../../../src/core/digest.ts';
import { listAll } from '../../../src/storage/records.ts';
import type { StorageAdapter, StoredRecord, Version } from '../../../src/storage/contract.ts';
import { appendIntended, bytesOf, counterKey, keysOf, operationOf, sharedLog, type Acknowledgement, type Content, type IntendedWrite, type Intent, type Reporter } from './workload.ts';

/** Something that was found and must not be, or the other way round. */
export class Violation extends Error {
  override name = 'Violation';
}

/**
 * How certain something is: it was refused or not seen, and only loss of power can bring it about, where it takes what stood in its way; it may have happened or not;
 * it has happened, since it was acknowledged or seen, and only loss of power can undo it; or it survives that too.
 */
type Certainty = 'late' | 'possible' | 'happened' | 'durable';

/** A state that a record may have: contents with their version where it is known, or absence. */
interface RecordState {
  readonly content: Content | undefined;
  readonly version: Version | undefined;
  certainty: Certainty;
}

interface Batch {
  readonly entries: readonly Content[];
  readonly buffered: boolean;
  certainty: Certainty;
}

/** One writer's part of one log: its appends since the last loss of power, behind what was there then. */
interface Sequence {
  settled: readonly Content[];
  batches: Batch[];
  /** A delete of the log that was not acknowledged. */
  mayBeGone: boolean;
  /** What the whole would be with appends that failed and were not seen, as long as nothing was appended since. */
  late: (readonly Content[])[];
}

interface BlobState {
  readonly content: Content;
  there: boolean;
  certainty: Certainty;
}

/** What the store lost: a process, or everything that was not flushed. */
export type Loss = 'process' | 'power';

/**
 * Knows what a store must hold: everything acknowledged is there, everything else is there whole or not at all. Told by the workers of what they are about to do
 * and what was acknowledged, it compares after every crash. What it found is there from then on, and survives a loss of power if it survived one or was acknowledged.
 */
export class Oracle implements Reporter {
  readonly #workers: readonly string[];
  /** What an acknowledgement promises. */
  readonly #promise: Certainty;
  /** States from the last durable one on, oldest first. */
  readonly #records = new Map<string, RecordState[]>();
  /** What the last check found. */
  readonly #found = new Map<string, RecordState>();
  readonly #sequences = new Map<string, Sequence>();
  readonly #blobs = new Map<Digest, BlobState>();
  readonly #underWay = new Map<string, Intent>();
  readonly #versions = new Map<string, string>();
  /** `late` counts increments that were refused or not seen, and may yet take effect where refused and failed writes may. */
  #counter = { durable: 0, seen: 0, acknowledged: 0, begun: 0, late: 0 };
  // Where nothing is flushed, loss of power may keep a write that was refused and drop the one that it was refused for.
  readonly #mayHoldLater: boolean;
  readonly #failing: boolean;
  /** Calls that were acknowledged in all. */
  acknowledged = 0;

  /** @param failing - Whether the disk fails now and then: a write that failed may then take effect after it was not seen, when what stood in its way is lost with the power. */
  constructor(workers: readonly string[], durability: 'flushed' | 'buffered', failing = false) {
    this.#failing = failing;
    this.#workers = workers;
    this.#mayHoldLater = durability === 'buffered';
    this.#promise = durability === 'flushed' ? 'durable' : 'happened';
    for (const key of workers.flatMap(keysOf)) this.#records.set(key, [{ content: undefined, version: undefined, certainty: 'durable' }]);
    for (const worker of workers) for (const log of [sharedLog, `${worker}/log`]) this.#sequences.set(`${log} ${worker}`, { settled: [], batches: [], mayBeGone: false, late: [] });
  }

  begin(worker: string, intent: Intent): void {
    this.#underWay.set(worker, intent);
    switch (intent.kind) {
      case 'write':
        for (const { key, content, holds } of intent.writes) {
          if (holds || this.#mayHoldLater) this.#records.get(key)!.push({ content, version: undefined, certainty: holds ? 'possible' : 'late' });
        }
        return;
      case 'append':
        this.#sequenceOf(intent.log, worker).batches.push({ entries: intent.entries, buffered: intent.buffered, certainty: 'possible' });
        return;
      case 'deleteLog':
        this.#sequenceOf(intent.log, worker).mayBeGone = true;
        return;
      case 'writeBlob':
        this.#blobs.set(intent.digest, { content: intent.content, there: true, certainty: 'possible' });
        return;
      case 'deleteBlob':
        Object.assign(this.#blobs.get(intent.digest)!, { there: false, certainty: 'possible' });
        return;
      case 'increment':
        this.#counter.begun++;
    }
  }

  acknowledge(worker: string, acknowledgement: Acknowledgement): void {
    const intent = this.#underWay.get(worker)!;
    this.#underWay.delete(worker);
    this.acknowledged++;
    switch (intent.kind) {
      case 'write':
        this.#acknowledgeWrites(intent.writes, acknowledgement);
        return;
      case 'append': {
        const sequence = this.#sequenceOf(intent.log, worker);
        const batch = sequence.batches.at(-1)!;
        sequence.late = [];
        batch.certainty = batch.buffered ? 'happened' : this.#promise;
        return;
      }
      case 'deleteLog':
        this.#sequences.set(`${intent.log} ${worker}`, { settled: [], batches: [], mayBeGone: false, late: [] });
        return;
      case 'writeBlob':
        Object.assign(this.#blobs.get(intent.digest)!, { there: true, certainty: this.#promise });
        return;
      case 'deleteBlob':
        Object.assign(this.#blobs.get(intent.digest)!, { there: false, certainty: this.#promise });
        return;
      case 'increment':
        if ('changed' in acknowledgement && acknowledgement.changed) this.#counter.acknowledged++;
        else {
          this.#counter.begun--;
          this.#counter.late++;
        }
    }
  }

  #acknowledgeWrites(writes: readonly IntendedWrite[], acknowledgement: Acknowledgement): void {
    if (!('results' in acknowledgement)) throw new TypeError('A write is acknowledged with its results.');
    writes.forEach((write, i) => {
      const result = acknowledgement.results[i]!;
      if (result.ok !== write.holds) {
        throw new Violation(`${write.key}: a ${write.content ? 'put' : 'delete'} on condition ${JSON.stringify(write.condition)} was ${result.ok ? 'done' : 'refused'}, its owner knows better`);
      }
      if (!result.ok) return;
      const { content } = write;
      if (content && result.version !== undefined) this.#noteVersion(write.key, result.version, content.tag);
      this.#records.get(write.key)!.push({ content, version: result.version, certainty: this.#promise });
    });
  }

  /** Compares the store with what it must hold. What was named and left open is sometimes tried again by its name first: it must then have happened once. */
  async check(storage: StorageAdapter, loss: Loss, retry: boolean): Promise<void> {
    for (const [key, states] of this.#records) {
      const [record] = await storage.read([key]);
      this.#checkRecord(key, record, states, loss);
    }
    await this.#checkList(storage);
    for (const log of [sharedLog, ...this.#workers.map((worker) => `${worker}/log`)]) await this.#checkLog(storage, log, loss);
    await this.#checkBlobs(storage, loss);
    await this.#checkCounter(storage, loss);
    const left = [...this.#underWay];
    this.#underWay.clear();
    // What was lost with the power may have been what a condition named.
    const mayRetry = retry && (loss === 'process' || this.#promise === 'durable');
    if (mayRetry) for (const [worker, intent] of left) await this.#tryAgain(storage, worker, intent);
  }

  #checkRecord(key: string, record: StoredRecord | undefined, states: readonly RecordState[], loss: Loss): void {
    const allowed = states.slice(lastCertain(states, loss)).filter(({ certainty }) => certainty !== 'late' || loss === 'power');
    const at = allowed.findLastIndex((state) => isContent(record?.bytes, state.content) && (state.version === undefined || state.version === record?.version));
    const found = allowed[at];
    if (!found) {
      const shown = allowed.map(({ content, version }) => (content ? `${content.tag} (${version ?? 'any version'})` : 'nothing'));
      throw new Violation(`${key}: found ${record ? `${startOf(record.bytes)}, version ${record.version}` : 'nothing'}, which is none of ${shown.join(', ')}`);
    }
    if (record && found.content) this.#noteVersion(key, record.version, found.content.tag);
    const now: RecordState = { content: found.content, version: record?.version, certainty: loss === 'power' || found.certainty === 'durable' ? 'durable' : 'happened' };
    // What came before it may come back when power is lost.
    const before = now.certainty === 'durable' ? [] : states.slice(lastCertain(states, 'power'), states.indexOf(found));
    const mayComeLater = this.#failing || (this.#mayHoldLater && loss === 'process');
    const after = mayComeLater ? states.slice(states.indexOf(found) + 1).map((state): RecordState => ({ ...state, certainty: 'late' })) : [];
    this.#records.set(key, [...before, now, ...after]);
    this.#found.set(key, now);
  }

  #noteVersion(key: string, version: Version, tag: string): void {
    const name = `${key} ${version}`;
    const earlier = this.#versions.get(name);
    if (earlier !== undefined && earlier !== tag) throw new Violation(`${key}: version ${version} was given to ${earlier} and to ${tag}`);
    this.#versions.set(name, tag);
  }

  async #checkList(storage: StorageAdapter): Promise<void> {
    const found: string[] = [];
    for await (const { key, version, size } of listAll(storage, { limit: 5 })) if (key !== counterKey) found.push(`${key} ${version} ${size}`);
    const expected = [...this.#found].flatMap(([key, { content, version }]) => (content ? [`${key} ${version} ${bytesOf(content).length}`] : [])).sort();
    if (found.join() !== expected.join()) throw new Violation(`The list is\n${found.join('\n')}\nwhere reading gives\n${expected.join('\n')}`);
  }

  async #checkLog(storage: StorageAdapter, log: string, loss: Loss): Promise<void> {
    const found = new Map<string, Uint8Array[]>();
    for await (const { writer, sequence, bytes } of storage.readLog(log)) {
      const entries = found.get(writer) ?? [];
      found.set(writer, entries);
      entries.push(bytes);
      if (sequence !== entries.length) throw new Violation(`${log}: ${writer} has sequence ${sequence} at place ${entries.length}`);
    }
    for (const writer of found.keys()) if (!this.#sequences.has(`${log} ${writer}`)) throw new Violation(`${log}: nobody is called ${writer}`);
    for (const worker of this.#workers) {
      const sequence = this.#sequences.get(`${log} ${worker}`);
      if (!sequence) continue;
      const gone = this.#checkSequence(`${log} of ${worker}`, found.get(worker) ?? [], sequence, loss);
      // Done half, or not flushed: deleted once more, it is.
      if (gone) await storage.deleteLog(log);
    }
  }

  /** Compares, and tells whether a delete of the log that nobody acknowledged has happened or begun. */
  #checkSequence(name: string, found: readonly Uint8Array[], sequence: Sequence, loss: Loss): boolean {
    const { settled, batches, mayBeGone } = sequence;
    // A flushed append makes what its writer appended before survive too.
    const least = lastCertain(batches, loss) + 1;
    let entries: readonly Content[] = [...settled, ...batches.slice(0, least).flatMap((batch) => batch.entries)];
    const candidates = [entries];
    for (const batch of batches.slice(least)) candidates.push((entries = [...entries, ...batch.entries]));
    candidates.push(...sequence.late);
    const at = candidates.findIndex((candidate) => candidate.length === found.length && candidate.every((content, i) => isContent(found[i], content)));
    // A delete that was cut short leaves a beginning.
    const gone = at < 0 && mayBeGone && found.every((bytes, i) => isContent(bytes, entries[i]));
    if (at < 0 && !gone) {
      const allowed = candidates.map((candidate) => candidate.map(({ tag }) => tag).join(' ') || 'nothing').join('\n  ');
      throw new Violation(`${name}: found ${found.length} entries\n  ${found.map(startOf).join(' ')}\nwhich are none of\n  ${allowed}${mayBeGone ? '\n  a beginning of it' : ''}`);
    }
    sequence.mayBeGone = false;
    sequence.late = this.#failing && !gone ? candidates.slice(at + 1) : [];
    const isLate = at > batches.length - least;
    sequence.batches = loss === 'power' || gone || isLate ? [] : batches.slice(0, least + at);
    for (const batch of sequence.batches) if (batch.certainty === 'possible') batch.certainty = 'happened';
    if (loss === 'power' || gone || isLate) sequence.settled = gone ? [] : candidates[at]!;
    return gone;
  }

  async #checkBlobs(storage: StorageAdapter, loss: Loss): Promise<void> {
    const listed = new Set<string>();
    for await (const { key } of listAll(storage, { kind: 'blob', limit: 7 })) listed.add(key);
    for (const [digest, blob] of this.#blobs) {
      const { content, certainty } = blob;
      const chunks = await storage.readBlob(digest);
      const bytes = chunks && (await collectBytes(chunks));
      const there = bytes !== undefined;
      if (bytes && !isContent(bytes, content)) throw new Violation(`blob ${content.tag}: has ${bytes.length} other bytes`);
      if (there !== listed.has(digest)) throw new Violation(`blob ${content.tag}: is ${there ? 'there and not listed' : 'listed and not there'}`);
      const certain = certainty === 'durable' || (certainty === 'happened' && loss === 'process');
      if (certain && there !== blob.there) throw new Violation(`blob ${content.tag}: was ${blob.there ? 'written and is lost' : 'deleted and is back'}`);
      blob.there = there;
      if (loss === 'power') blob.certainty = 'durable';
      else if (certainty === 'possible') blob.certainty = 'happened';
      listed.delete(digest);
    }
    if (listed.size > 0) throw new Violation(`Blobs are listed that nobody wrote: ${[...listed].join(', ')}`);
  }

  async #checkCounter(storage: StorageAdapter, loss: Loss): Promise<void> {
    const [record] = await storage.read([counterKey]);
    const value = record ? Number(fromUtf8(record.bytes)) : 0;
    const { durable, seen, acknowledged, begun, late } = this.#counter;
    const promised = this.#promise === 'durable' ? durable + acknowledged : durable;
    const least = loss === 'power' ? promised : seen + acknowledged;
    const most = seen + begun + (loss === 'power' && (this.#failing || this.#mayHoldLater) ? late : 0);
    if (!(value >= least && value <= most)) throw new Violation(`The counter is ${value}, not from ${least} to ${most}`);
    this.#counter = { durable: loss === 'power' ? value : promised, seen: value, acknowledged: 0, begun: 0, late: loss === 'power' ? 0 : late + Math.max(0, seen + begun - value) };
  }

  async #tryAgain(storage: StorageAdapter, worker: string, intent: Intent): Promise<void> {
    if (intent.kind === 'append' && intent.operationId !== undefined) {
      const sequence = this.#sequenceOf(intent.log, worker);
      const known = [...sequence.settled, ...sequence.batches.flatMap((batch) => batch.entries)];
      const happened = known.some(({ tag }) => tag === intent.entries[0]?.tag);
      await appendIntended(storage, { ...intent, buffered: false });
      sequence.batches.push({ entries: happened ? [] : intent.entries, buffered: false, certainty: this.#promise });
      await this.#checkLog(storage, intent.log, 'process');
    }
    if (intent.kind === 'write') {
      for (const write of intent.writes.filter(({ holds, operationId }) => holds && operationId !== undefined)) {
        const [result] = await storage.write([operationOf(write)]);
        // A write that failed earlier may have come to be what stands in its way.
        if (!result?.ok && this.#failing && write.condition !== undefined) continue;
        if (!result?.ok) throw new Violation(`${write.key}: was refused when tried again by its name`);
        const states = this.#records.get(write.key)!;
        const before = this.#found.get(write.key)!;
        const happened = write.content !== undefined && before.content?.tag === write.content.tag;
        if (happened && before.version !== result.version) throw new Violation(`${write.key}: ${write.content?.tag} was done again as ${result.version}, having been done as ${before.version}`);
        states.push({ content: write.content, version: result.version, certainty: this.#promise });
        const [record] = await storage.read([write.key]);
        this.#checkRecord(write.key, record, states, 'process');
      }
    }
  }

  #sequenceOf(log: string, worker: string): Sequence {
    return this.#sequences.get(`${log} ${worker}`)!;
  }
}

/** The last that is certain after a loss, or -1. */
function lastCertain(all: readonly { readonly certainty: Certainty }[], loss: Loss): number {
  return all.findLastIndex(({ certainty }) => certainty === 'durable' || (certainty === 'happened' && loss === 'process'));
}

function isContent(bytes: Uint8Array | undefined, content: Content | undefined): boolean {
  if (bytes === undefined || content === undefined) return bytes === undefined && content === undefined;
  const expected = bytesOf(content);
  return bytes.length === expected.length && Buffer.compare(bytes, expected) === 0;
}

function startOf(bytes: Uint8Array): string {
  return `${Buffer.from(bytes.subarray(0, 30)).toString()} (${bytes.length} bytes)`;
}
