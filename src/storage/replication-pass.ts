import { decode, encode } from '../core/codec.ts';
import { newId } from '../core/ids.ts';
import type { Key } from '../core/key.ts';
import type { ListEntry, StorageAdapter } from './contract.ts';
import { listAll } from './records.ts';
import { BlobMover } from './replication-blobs.ts';
import type { KeyFailure, ReplicationContext } from './replication-context.ts';
import { logStates } from './replication-log-plan.ts';
import { LogMover } from './replication-logs.ts';
import { RecordMover, recordStates } from './replication-records.ts';
import { ReplicationState } from './replication-state.ts';
import { changedWindows } from './replication-walk.ts';

/** First segments of keys that never travel: what links keep for themselves, uploads that are under way, and what the collection of garbage notes of one store's blobs. */
const ownSegments = ['replication', 'uploads', '_garbage'];

/** Whether a key belongs to what travels. */
export function travels(key: Key): boolean {
  return !ownSegments.some((segment) => key === segment || key.startsWith(`${segment}/`));
}

/** What a pass found. */
export interface PassOutcome {
  /** Keys that could not be dealt with. */
  readonly failures: readonly KeyFailure[];
  /** How many keys others kept changing: another pass must see to them. */
  readonly unfinished: number;
}

/** How a link goes over its stores. */
export interface PassOptions {
  readonly state: StorageAdapter;
  readonly id: string;
  readonly prefix: string;
  /** Whether blobs travel that no record names. */
  readonly allBlobs: boolean;
}

/** Goes over a source again and again, and brings what is new to the target. */
export class ReplicationPass {
  readonly #context: ReplicationContext;
  readonly #options: PassOptions;
  #parts: Parts | undefined;

  constructor(context: ReplicationContext, options: PassOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** Brings all that was in the source when it was called, in an order that never shows a reader of the target less than a writer had shown: blobs, then logs, then records. */
  async run(): Promise<PassOutcome> {
    const context = this.#context;
    [context.failures, context.unfinished] = [[], 0];
    context.book.beginRound();
    this.#parts ??= await this.#open();
    const { records, logs, blobs, recordMover, logMover } = this.#parts;
    blobs.begin();
    await records.begin();
    await logs.begin();
    if (this.#options.allBlobs) {
      context.beginPhase('blobs');
      await blobs.bringAll();
    }
    context.beginPhase('records');
    for await (const window of changedWindows(records, this.#list('record'), this.#concerns)) await recordMover.window(window);
    // Deletions of logs come behind those of records: a record without its log would show less than there was.
    context.beginPhase('logs');
    for await (const window of changedWindows(logs, this.#list('log'), this.#concerns)) await logMover.window(window);
    context.book.endRound();
    context.moved(0);
    return { failures: context.failures, unfinished: context.unfinished };
  }

  /** Keeps what will save the next session reading. */
  async keep(): Promise<void> {
    await this.#parts?.records.keepOutlines();
    await this.#parts?.logs.keepOutlines();
  }

  readonly #concerns = (key: Key): boolean => key.startsWith(this.#options.prefix) && travels(key);

  async *#list(kind: 'record' | 'log'): AsyncGenerator<ListEntry> {
    const { from, signal } = this.#context;
    for await (const entry of listAll(from, { kind, prefix: this.#options.prefix }, { signal })) if (travels(entry.key)) yield entry;
  }

  async #open(): Promise<Parts> {
    const context = this.#context;
    const { state, id } = this.#options;
    const root = `replication/${id}/${await markOf(context.to, `replication/${id}/mark`, context.signal)}`;
    const records = new ReplicationState(state, root, recordStates, context.signal);
    const logs = new ReplicationState(state, root, logStates, context.signal);
    const blobs = new BlobMover(context, state, root);
    const logMover = new LogMover(context, logs);
    return { records, logs, blobs, logMover, recordMover: new RecordMover(context, records, logMover, blobs) };
  }
}

interface Parts {
  readonly records: ReplicationState<Parameters<typeof recordStates.toJson>[0]>;
  readonly logs: ReplicationState<Parameters<typeof logStates.toJson>[0]>;
  readonly blobs: BlobMover;
  readonly recordMover: RecordMover;
  readonly logMover: LogMover;
}

/** The mark of a target, set at the first contact: what is known of it holds only as long as the target has it, and not for one that was emptied or put in its place. */
async function markOf(to: StorageAdapter, key: Key, signal: AbortSignal): Promise<string> {
  const mark = newId();
  let [record] = await to.read([key], { signal });
  if (record === undefined) {
    const [result] = await to.write([{ kind: 'put', key, bytes: encode({ mark }), condition: 'absent', operationId: newId() }], { signal });
    if (result?.ok) return mark;
    [record] = await to.read([key], { signal });
  }
  return record === undefined ? markOf(to, key, signal) : (decode(record.bytes, key) as { mark: string }).mark;
}
