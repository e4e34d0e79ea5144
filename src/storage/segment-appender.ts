import { AbortedError, ConflictError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Key } from '../core/key.ts';
import type { LogPosition, RecordAdapter, WriteOperation } from './contract.ts';
import { OperationMemory, rememberedOperations } from './operation-memory.ts';
import { listAll } from './records.ts';
import { encodeHead, headKey, parseSegmentKey, partKey, segmentKey, segmentsOf, type SegmentRef } from './segment-layout.ts';
import { placeText, positionText } from './segment-position.ts';
import { readHead, readSegments } from './segment-reading.ts';
import { bodyBytes, encodeBody, encodeSegment, headerBytes, type SegmentAppend, type SegmentHeader } from './segment-record.ts';

/** One append that waits for its turn. */
interface PendingAppend {
  readonly entries: readonly Uint8Array[];
  readonly operationId: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (position: LogPosition) => void;
  readonly reject: (error: Error) => void;
}

/** What is known of this writer's segments under one id of the log. Segments never change, so it can be behind the truth and not beside it. */
interface Chain {
  readonly id: string;
  /** The sequence that the next segment begins with. */
  next: number;
  /** Bytes of all entries so far. */
  size: number;
  readonly operations: OperationMemory<LogPosition>;
  /** Whether `operations` knows the names of earlier segments too. */
  complete: boolean;
}

/**
 * The appends of one writer to one log, in the order of their coming. Those that wait together become one segment, put under the sequence of its first entry on the
 * condition that nothing is there: of several instances that append under one writer's name, one succeeds, and the others read what it wrote and go on behind it.
 */
export class SegmentAppender {
  readonly #records: RecordAdapter;
  readonly #log: Key;
  readonly #writer: string;
  readonly #queue: PendingAppend[] = [];
  #chain: Chain | undefined;
  #running: Promise<void> | undefined;

  constructor(records: RecordAdapter, log: Key, writer: string) {
    this.#records = records;
    this.#log = log;
    this.#writer = writer;
  }

  /** Whether nothing is under way, so that it can be forgotten: all that it knows is in the store too. */
  get idle(): boolean {
    return this.#running === undefined;
  }

  /** Appends entries, which it keeps and does not change. Aborted under way, they are appended whole or not at all. */
  append(entries: readonly Uint8Array[], operationId: string | undefined, signal: AbortSignal | undefined): Promise<LogPosition> {
    return new Promise((resolve, reject) => {
      const aborted = (): void => settle(() => reject(new AbortedError(`The append to ${this.#log} was aborted by its caller.`, { cause: signal?.reason })));
      const settle = (how: () => void): void => {
        signal?.removeEventListener('abort', aborted);
        how();
      };
      signal?.addEventListener('abort', aborted, { once: true });
      this.#queue.push({ entries, operationId, signal, resolve: (position) => settle(() => resolve(position)), reject: (error) => settle(() => reject(error)) });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Calls of the same turn belong together.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const group = this.#takeGroup();
      try {
        await this.#commit(group);
      } catch (error) {
        for (const append of group) append.reject(error as Error);
      }
    }
    this.#running = undefined;
  }

  /** The first that wait: as many as fit into one segment, at least one. */
  #takeGroup(): PendingAppend[] {
    const group: PendingAppend[] = [];
    let size = headerBytes([]);
    while (this.#queue.length > 0) {
      const append = this.#queue[0]!;
      size += headerBytes([append.operationId]) + bodyBytes(append.entries);
      if (group.length > 0 && size > this.#records.supports.maxRecordBytes) break;
      this.#queue.shift();
      if (!append.signal?.aborted) group.push(append);
    }
    return group;
  }

  async #commit(group: readonly PendingAppend[]): Promise<void> {
    let left = group;
    for (let attempt = 1; left.length > 0; attempt++) {
      if (attempt > maxAttempts) {
        throw new ConflictError(`Others were first at each of ${maxAttempts} attempts to append to ${this.#log} as ${this.#writer}; give each of them a writer of its own.`, { key: this.#log });
      }
      const cached = this.#chain;
      this.#chain = undefined;
      const opened = cached ?? (await this.#open(left));
      const chain = opened ?? emptyChain(newId());
      if (!chain.complete && hasNames(left)) {
        chain.next = 1;
        chain.complete = true;
        if (await this.#catchUp(chain, true)) this.#chain = chain;
        continue;
      }
      const known = left.filter(({ operationId }) => chain.operations.get(operationId) !== undefined);
      // A name that waits twice is taken up once; the second finds the first in the next round.
      const news = [...new Map(left.filter((append) => !known.includes(append)).map((append) => [append.operationId ?? append, append])).values()];
      const outcome = await this.#put(chain, news, opened === undefined ? 'absent' : cached === undefined ? 'seen' : 'unknown');
      if (outcome === 'gone') continue;
      for (const append of known) append.resolve(chain.operations.get(append.operationId)!);
      left = left.filter((append) => !known.includes(append) && (outcome === 'taken' || !news.includes(append)));
      if (outcome === 'done') this.#acknowledge(chain, news);
      const end = chain.next;
      if (outcome === 'taken' && (!(await this.#catchUp(chain, hasNames(left))) || chain.next === end)) continue;
      if (chain.next > 1) this.#chain = chain;
    }
  }

  /**
   * Puts a segment, and makes sure that the log is still the one it belongs to: what is put into a log that was deleted belongs to nothing. It was there at some moment
   * after these appends began, so they came before the delete.
   */
  async #put(chain: Chain, news: readonly PendingAppend[], head: 'absent' | 'seen' | 'unknown'): Promise<'done' | 'taken' | 'gone'> {
    const entries = news.flatMap((append) => append.entries);
    if (entries.length === 0) return head !== 'unknown' || (await readHead(this.#records, this.#log)) === chain.id ? 'done' : 'gone';
    const appends = news.filter((append) => append.entries.length > 0).map((append) => [append.operationId ?? null, append.entries.length] as const);
    const parts = await this.#stage(chain.id, appends, entries);
    const header: SegmentHeader = { format: 1, before: chain.size, size: sizeOf(entries), appends, parts };
    const key = segmentKey(chain.id, this.#writer, chain.next);
    const segment = putAbsent(key, encodeSegment(header, parts ? new Uint8Array(0) : encodeBody(entries)));
    if (head === 'absent') {
      const [began, put] = await this.#records.write([putAbsent(headKey(this.#log), encodeHead(chain.id)), segment]);
      if (began?.ok && put?.ok) return 'done';
    } else {
      const [[put], id] = await Promise.all([this.#records.write([segment]), head === 'seen' ? chain.id : readHead(this.#records, this.#log)]);
      if (id === chain.id && put?.ok) return 'done';
      await this.#discard(chain.id, undefined, parts);
      if (id === chain.id) return 'taken';
    }
    // No one will ever look under an id that the log does not have any more, or never had.
    await this.#discard(chain.id, key, parts);
    return 'gone';
  }

  /** Gives those whose entries were put their positions. */
  #acknowledge(chain: Chain, news: readonly PendingAppend[]): void {
    const positions = this.#extend(chain, news.map(({ operationId, entries }) => [operationId ?? null, entries.length]));
    chain.size += sizeOf(news.flatMap(({ entries }) => entries));
    for (const [i, append] of news.entries()) append.resolve(positions[i]!);
  }

  /** Adds a segment to what is known; gives the positions behind its appends. */
  #extend(chain: Chain, appends: readonly SegmentAppend[]): LogPosition[] {
    const first = chain.next;
    const end = appends.reduce((sum, [, entries]) => sum + entries, first);
    return appends.map(([operationId, entries]) => {
      chain.next += entries;
      const { next } = chain;
      const place = next === end ? placeText(this.#writer, end, 0) : placeText(this.#writer, first, next - first);
      const position = end === 1 ? '' : positionText(chain.id, [place]);
      if (entries > 0) chain.operations.remember(operationId ?? undefined, position);
      return position;
    });
  }

  /** The chain of the log as it is there, or `undefined`. It is taken to be empty as long as that can be found wrong by a put. */
  async #open(left: readonly PendingAppend[]): Promise<Chain | undefined> {
    const id = await readHead(this.#records, this.#log);
    if (id === undefined) return undefined;
    const chain = emptyChain(id);
    const putting = left.some(({ entries }) => entries.length > 0);
    if (!putting) await this.#catchUp(chain, false);
    return chain;
  }

  /** Learns of all that was put behind the end of a chain; the names of the last appends too, or only where it ends. False when that was deleted meanwhile. */
  async #catchUp(chain: Chain, names: boolean): Promise<boolean> {
    const refs: SegmentRef[] = [];
    const query = { prefix: `${segmentsOf(chain.id)}${this.#writer}/`, after: segmentKey(chain.id, this.#writer, chain.next - 1) };
    for await (const { key, size } of listAll(this.#records, query)) {
      const ref = parseSegmentKey(key, size);
      if (ref) refs.push(ref);
    }
    const some = refs.slice(names ? -rememberedOperations : -1);
    if (!names && some.length < refs.length) chain.complete = false;
    for await (const { ref, segment } of readSegments(this.#records, some)) {
      if (segment === undefined) return false;
      chain.next = ref.first;
      this.#extend(chain, segment.header.appends);
      chain.size = segment.header.before + segment.header.size;
    }
    return true;
  }

  /** Writes a body that is too large for a segment in pieces; the segment that names them makes them count. */
  async #stage(id: string, appends: readonly SegmentAppend[], entries: readonly Uint8Array[]): Promise<SegmentHeader['parts']> {
    const pieceBytes = this.#records.supports.maxRecordBytes;
    if (headerBytes(appends.map(([operationId]) => operationId ?? undefined)) + bodyBytes(entries) <= pieceBytes) return undefined;
    const body = encodeBody(entries);
    const group = newId();
    const count = Math.ceil(body.length / pieceBytes);
    for (let i = 0; i < count; i++) {
      await this.#records.write([putAbsent(partKey(id, group, i), body.slice(i * pieceBytes, (i + 1) * pieceBytes))]);
    }
    return { group, count };
  }

  /** Takes back what was put for nothing. */
  async #discard(id: string, segment: Key | undefined, parts: SegmentHeader['parts']): Promise<void> {
    const keys = Array.from({ length: parts?.count ?? 0 }, (_, i) => partKey(id, parts!.group, i));
    if (segment !== undefined) keys.push(segment);
    if (keys.length > 0) await this.#records.write(keys.map((key) => ({ kind: 'delete', key })));
  }
}

const maxAttempts = 1000;

function emptyChain(id: string): Chain {
  return { id, next: 1, size: 0, operations: new OperationMemory(), complete: true };
}

function hasNames(appends: readonly PendingAppend[]): boolean {
  return appends.some(({ operationId }) => operationId !== undefined);
}

function sizeOf(entries: readonly Uint8Array[]): number {
  return entries.reduce((sum, entry) => sum + entry.length, 0);
}

function putAbsent(key: Key, bytes: Uint8Array): WriteOperation {
  return { kind: 'put', key, bytes, condition: 'absent', operationId: newId() };
}
