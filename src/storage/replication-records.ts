import { ValidationError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Key } from '../core/key.ts';
import { shown } from '../core/shown.ts';
import type { ListEntry, StorageAdapter, StoredRecord, Version, WriteOperation, WriteResult } from './contract.ts';
import type { BlobMover } from './replication-blobs.ts';
import { contentPrint, type RecordContent } from './replication-content.ts';
import { inParallel, type ReplicationContext } from './replication-context.ts';
import type { LogMover } from './replication-logs.ts';
import { afterAgreement, afterParting, beforeSending, decideRecord, isEcho, needOf, type RecordNeed, type RecordState } from './replication-record-plan.ts';
import type { StateKind } from './replication-shard.ts';
import type { ReplicationState, StateChange } from './replication-state.ts';
import type { Window } from './replication-walk.ts';

/** How the states of records are stored: as rows, the versions first, the print of both or a 0 where they were decided to differ, and what may have been sent. */
export const recordStates: StateKind<RecordState> = {
  name: 'records',
  splitAt: 1024,
  toJson: ({ source, target, print, sent, kept }) => [source ?? null, target ?? null, kept === true ? 0 : (print ?? null), ...sent],
  fromJson(json) {
    const [source, target, print, ...sent] = json as [Version | null, Version | null, string | 0 | null, ...string[]];
    const known = { source: source ?? undefined, target: target ?? undefined, sent };
    return print === 0 ? { ...known, kept: true } : { ...known, print: print ?? undefined };
  },
  settledAt: ({ source, sent }) => (sent.length > 0 ? undefined : source),
  isGone: () => false,
};

/** A record that needs something. */
interface Item {
  readonly key: Key;
  /** The key before it in the source's list, to find its log by. */
  readonly before: Key | undefined;
  readonly size: number;
  readonly need: RecordNeed;
  readonly state: RecordState | undefined;
}

/** A record that is about to be written or deleted at the target. */
interface Sending {
  readonly item: Item;
  readonly source: StoredRecord | undefined;
  /** What the target gets. */
  readonly content: RecordContent | undefined;
  readonly over: Version | undefined;
  /** Whether the target is to differ from the source: a merged record. */
  readonly kept: boolean;
  /** What was seen at the target, if anything. */
  readonly target: StoredRecord | undefined;
}

/** What becomes of an item: something is sent, or something is known from now on. */
type Outcome = Sending | { readonly agreed: RecordState | undefined };

const chunkBytes = 4 << 20;
const chunkKeys = 1000;
const maxRounds = 4;

/** Brings records to the target: what is new to it, each with what has to be there before. */
export class RecordMover {
  readonly #context: ReplicationContext;
  readonly #states: ReplicationState<RecordState>;
  readonly #logs: LogMover;
  readonly #blobs: BlobMover;
  /** Whether the states that are at hand were read in this round. */
  #isFresh = false;

  constructor(context: ReplicationContext, states: ReplicationState<RecordState>, logs: LogMover, blobs: BlobMover) {
    this.#context = context;
    this.#states = states;
    this.#logs = logs;
    this.#blobs = blobs;
  }

  /** Sees to the keys of one window: those that the source lists, and those that it does not list any more. */
  async window({ listed, states, before, shifted }: Window<RecordState>): Promise<void> {
    if (shifted) this.#context.unfinished++;
    let last = before;
    const items: Item[] = [];
    const add = (key: Key, state: RecordState | undefined, entry: ListEntry | undefined): void => {
      const need = needOf(state, entry?.version);
      if (need !== 'nothing') items.push({ key, state, need, before: last, size: entry?.size ?? 0 });
    };
    const names = new Set<Key>();
    for (const entry of listed) {
      names.add(entry.key);
      add(entry.key, states.get(entry.key), entry);
      last = entry.key;
    }
    for (const [key, state] of states) if (!names.has(key)) add(key, state, undefined);
    for (const chunk of chunksOf(items)) await this.#deliver(chunk);
    this.#context.moved(listed.length);
  }

  async #deliver(items: readonly Item[]): Promise<void> {
    let left = items;
    for (let round = 1; left.length > 0; round++) {
      if (round > maxRounds) {
        this.#context.unfinished += left.length;
        return;
      }
      left = await this.#round(left);
    }
  }

  /** Does for each item what can be done by what is known of it; gives those that have to be looked at again. */
  async #round(items: readonly Item[]): Promise<readonly Item[]> {
    const { from, to } = this.#context;
    // The target first: what is then read from the source is not older than what the target was given, by whomever.
    const targets = await this.#read(to, items.filter(({ need }) => need === 'look'));
    const sources = await this.#read(from, items);
    const sendings: Sending[] = [];
    const settled: StateChange<RecordState>[] = [];
    this.#isFresh = false;
    for (const item of items) {
      if (!sources.has(item.key) || (item.need === 'look' && !targets.has(item.key))) continue;
      const outcome = await this.#decide(item, sources.get(item.key), targets.get(item.key));
      if (outcome === undefined) continue;
      if ('agreed' in outcome) settled.push(changeTo(item, outcome.agreed));
      else sendings.push(outcome);
    }
    if (settled.length > 0) this.#context.unfinished += (await this.#states.save(settled)).size;
    return this.#send(await this.#prepare(sendings));
  }

  /** The records of items by key, `undefined` where there is none; keys that cannot be read are missing. */
  async #read(storage: StorageAdapter, items: readonly Item[]): Promise<Map<Key, StoredRecord | undefined>> {
    const { signal } = this.#context;
    const read = async (some: readonly Item[]): Promise<{ record: StoredRecord | undefined }[]> =>
      (await storage.read(some.map(({ key }) => key), { signal })).map((record) => ({ record }));
    const found = await this.#context.each(items, ({ key }) => key, read);
    return new Map(found.flatMap((each, i) => (each === undefined ? [] : [[items[i]!.key, each.record] as const])));
  }

  /** What is sent, or what is known from now on; nothing when all stays as it is. */
  async #decide(item: Item, source: StoredRecord | undefined, target: StoredRecord | undefined): Promise<Outcome | undefined> {
    const { need, state } = item;
    if (need === 'send') {
      if (isEcho(state, source)) return { agreed: afterAgreement(source, state?.target, state?.print) };
      if (source === undefined && state?.target === undefined) return { agreed: undefined };
      return { item, source, content: source, over: state?.target, kept: false, target };
    }
    const step = decideRecord(state, source, target);
    if (step.kind === 'agree') return { agreed: afterAgreement(source, target?.version) };
    if (step.kind === 'send') return { item, source, content: source, over: step.over, kept: false, target };
    return (await this.#isCurrent(item)) ? this.#ask(item, source, target) : undefined;
  }

  /** Whether what is known of an item is still what is stored: what looks like somebody else's may be what another link has just brought. */
  async #isCurrent({ key, state }: Item): Promise<boolean> {
    const now = this.#isFresh ? await this.#states.get(key) : await this.#states.fresh(key);
    this.#isFresh = true;
    if (isSame(now, state)) return true;
    this.#context.unfinished++;
    return false;
  }

  /** What was decided about a conflict. */
  async #ask(item: Item, source: StoredRecord | undefined, target: StoredRecord | undefined): Promise<Outcome | undefined> {
    const { key } = item;
    try {
      const decision = await this.#context.book.decide({ kind: 'record', key, source, target });
      if (decision === undefined) return undefined;
      if (decision === 'keep-target') return { agreed: afterParting(source?.version, target?.version) };
      if (decision === 'overwrite') return { item, source, content: source, over: target?.version, kept: false, target };
      if (!(decision.bytes instanceof Uint8Array)) throw new ValidationError(`onConflict gave ${shown(decision)} for ${key}; give 'keep-target', 'overwrite', { bytes } or nothing.`, { key });
      return { item, source, content: { bytes: decision.bytes, blobs: decision.blobs ?? [] }, over: target?.version, kept: true, target };
    } catch (error) {
      this.#context.failures.push({ key, error });
      return undefined;
    }
  }

  /** Brings what must be at the target before the records: the log of the same key, and the blobs. Gives those for which that was done. */
  async #prepare(sendings: readonly Sending[]): Promise<Sending[]> {
    const puts = sendings.filter(({ content }) => content !== undefined);
    const held = await this.#bringLogs(puts);
    const named = await this.#namedAtTarget(puts);
    const ready: Sending[] = [];
    for (const sending of sendings) {
      const { item, content } = sending;
      if (held.has(item.key)) continue;
      try {
        const there = new Set(named.get(item.key) ?? []);
        await this.#blobs.bring((content?.blobs ?? []).filter((digest) => !there.has(digest)), item.key);
        ready.push(sending);
      } catch (error) {
        this.#context.failed(item.key, error);
      }
    }
    return ready;
  }

  /** The logs of these keys, which must not miss an event that a record has let go of; gives the keys whose log did not arrive whole. */
  async #bringLogs(puts: readonly Sending[]): Promise<ReadonlySet<Key>> {
    const held = new Set<Key>();
    if (puts.length === 0) return held;
    // Listed only now, when the records were read: an event that has left a record is in its log by then.
    const logs = await this.#logs.listThese(puts.map(({ item }) => item.key), puts[0]!.item.before);
    await inParallel(logs.map((entry) => async () => (await this.#logs.deliver(entry.key, entry)) !== 'done' && held.add(entry.key)));
    return held;
  }

  /** The blobs that the target's own records name already, and so keep. */
  async #namedAtTarget(puts: readonly Sending[]): Promise<Map<Key, readonly string[]>> {
    const looked = puts.filter(({ target }) => target !== undefined);
    const unseen = puts.filter(({ target, over, content }) => target === undefined && over !== undefined && content!.blobs.length > 0);
    const seen = await this.#read(this.#context.to, unseen.map(({ item }) => item));
    return new Map([...looked.map(({ item, target }) => [item.key, target!.blobs] as const), ...[...seen].map(([key, record]) => [key, record?.blobs ?? []] as const)]);
  }

  /** Writes down what is about to be sent, sends it, and writes down what came of it. Gives what has to be looked at again. */
  async #send(sendings: readonly Sending[]): Promise<readonly Item[]> {
    const noted = new Map<Key, RecordState>();
    const notes = sendings.map(({ item, over, content }): StateChange<RecordState> => {
      const note = beforeSending(item.state, over, content);
      noted.set(item.key, note);
      return { key: item.key, change: (now) => (isSame(now, item.state) ? { to: isSame(now, note) ? now : note } : 'refused') };
    });
    const refusedNotes = await this.#states.save(notes);
    this.#context.unfinished += refusedNotes.size;
    const sent = sendings.filter(({ item }) => !refusedNotes.has(item.key));
    const results = await this.#write(sent);
    const again: Item[] = [];
    const outcomes: StateChange<RecordState>[] = [];
    sent.forEach((sending, i) => {
      const result = results[i];
      const note = noted.get(sending.item.key)!;
      if (result?.ok === true) outcomes.push(outcomeOf(sending, note, result.version));
      else if (result !== undefined) again.push({ ...sending.item, state: note, need: 'look' });
    });
    this.#context.unfinished += (await this.#states.save(outcomes)).size;
    return again;
  }

  async #write(sendings: readonly Sending[]): Promise<(WriteResult | undefined)[]> {
    const { to, signal } = this.#context;
    // A name of its own for each attempt: the adapter knows a repeated one again, and a later attempt is not answered with what an earlier one met.
    const write = (some: readonly Sending[]): Promise<WriteResult[]> => {
      const name = newId();
      return to.write(some.map((sending, i) => operationOf(sending, `${name}-${i}`)), { signal });
    };
    const results = await this.#context.each(sendings, ({ item }) => item.key, write);
    const done = sendings.filter((_, i) => results[i]?.ok === true);
    const puts = done.filter(({ content }) => content !== undefined);
    const bytes = puts.reduce((sum, { content }) => sum + content!.bytes.length, 0);
    if (done.length > 0) this.#context.moved(0, { records: puts.length, deletions: done.length - puts.length, bytes });
    return results;
  }
}

function operationOf({ item: { key }, content, over }: Sending, operationId: string): WriteOperation {
  if (content === undefined) return { kind: 'delete', key, condition: { match: over! }, operationId };
  return { kind: 'put', key, bytes: content.bytes, blobs: content.blobs, condition: over === undefined ? 'absent' : { match: over }, operationId };
}

/** What is known after a write. When another link was there meanwhile, what it knows stays, and what was written here is added as something of one's own. */
function outcomeOf({ item, source, content, kept }: Sending, note: RecordState, target: Version | undefined): StateChange<RecordState> {
  return {
    key: item.key,
    change(now) {
      if (isSame(now, note)) return { to: kept ? afterParting(source?.version, target) : afterAgreement(source, target, note.sent.at(-1)) };
      const print = contentPrint(content);
      // Also where another link saw the record gone from both sides: what was written a moment later must not stay there unknown.
      return { to: now === undefined ? content && { target, sent: [print] } : { ...now, sent: [...new Set([...now.sent, print])] } };
    },
  };
}

function changeTo({ key, state }: Item, to: RecordState | undefined): StateChange<RecordState> {
  return { key, change: (now) => (isSame(now, state) ? { to } : 'refused') };
}

function isSame(a: RecordState | undefined, b: RecordState | undefined): boolean {
  if (a === b || a === undefined || b === undefined) return a === b;
  return a.source === b.source && a.target === b.target && a.kept === b.kept && a.print === b.print && a.sent.join() === b.sent.join();
}

/** Items in groups that fit into memory. */
function* chunksOf(items: readonly Item[]): Generator<Item[]> {
  let chunk: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    if (chunk.length === chunkKeys || (chunk.length > 0 && bytes + item.size > chunkBytes)) {
      yield chunk;
      [chunk, bytes] = [[], 0];
    }
    chunk.push(item);
    bytes += item.size;
  }
  if (chunk.length > 0) yield chunk;
}
