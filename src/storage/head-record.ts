import type { AuditEvent, NewAuditEvent } from '../core/audit.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { decode, encode } from '../core/codec.ts';
import type { Digest } from '../core/digest.ts';
import { newId } from '../core/ids.ts';
import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { RecordRef } from '../core/record-ref.ts';
import type { StorageAdapter, Version, WriteOperation } from './contract.ts';
import { readEach } from './read-each.ts';
import { readValue, readValues } from './records.ts';
import { update, type UpdateOptions } from './update.ts';

interface Head<S> {
  state: S;
  /** Number of events ever written. */
  sequence: number;
  /** Events that may not be in the log yet. */
  outbox: readonly AuditEvent[];
}

/** Where the head record and its history live. */
export interface HeadLocation {
  readonly storage: StorageAdapter;
  /** Key of the record, and of the log of its events. */
  readonly key: Key;
  readonly clock?: Clock | undefined;
  /** The blobs that a state refers to and so keeps. */
  readonly blobs?: ((state: never) => readonly Digest[]) | undefined;
}

/** What a change makes: the next state, and the events that tell of it. */
export interface HeadChange<S> {
  readonly state: S;
  readonly events: readonly NewAuditEvent[];
  /** Records that the state names: they are written before it, in the same call, and stay where the change does not come through, so that each attempt must name records of its own. @default none */
  readonly first?: readonly WriteOperation[] | undefined;
}

/** The state of a head record, or `undefined` when there is none. */
export async function readHead<S>(at: HeadLocation, options?: OperationOptions): Promise<S | undefined> {
  return (await readValue<Head<S>>(at.storage, at.key, options))?.value.state;
}

/** The state of a head record with its version, or the version alone when it still is the one that is `known`: for whoever looks again and again. */
export async function readHeadUnless<S>(at: HeadLocation, known: Version | undefined, options: OperationOptions = {}): Promise<{ readonly version: Version; readonly state?: S | undefined } | undefined> {
  const [record] = await at.storage.read([at.key], { ...options, fresh: true, holds: () => known });
  if (record === undefined) return undefined;
  const { version, bytes } = record;
  return version === known ? { version } : { version, state: (decode(bytes, at.key) as Head<S>).state };
}

/** The states of head records, in the order of their keys, by one read. */
export async function readHeads<S>(storage: StorageAdapter, keys: readonly Key[], options?: OperationOptions): Promise<(S | undefined)[]> {
  return (await readValues<Head<S>>(storage, keys, options)).map((head) => head?.value.state);
}

/** A head record without its events. */
export interface HeadState<S> {
  readonly state: S;
  /** Number of events ever written. */
  readonly sequence: number;
}

/** The head records at keys, in that order, or why one cannot be read; `undefined` where there is none. */
export async function readEachHead<S>(storage: StorageAdapter, keys: readonly Key[], options: OperationOptions = {}): Promise<(HeadState<S> | { readonly error: unknown } | undefined)[]> {
  return (await readEach<Head<S>>(storage, keys, options)).map((head) => (head && 'value' in head ? { state: head.value.state, sequence: head.value.sequence } : head));
}

/**
 * Changes a state and records its evidence in one write: at no moment has one happened without the other. The events then move to the log; until they have,
 * readers find them in the record itself, so a crash at any point loses and doubles nothing.
 *
 * `change` may be called several times and must be free of side effects; returning `undefined` changes nothing.
 */
export async function changeHead<S>(
  at: HeadLocation,
  change: (state: S | undefined) => HeadChange<S> | undefined,
  options: OperationOptions = {},
): Promise<{ state: S | undefined; events: readonly AuditEvent[] }> {
  const clock = at.clock ?? systemClock;
  let first: readonly WriteOperation[] = [];
  const updating: UpdateOptions = {
    ...options,
    clock,
    ...(at.blobs ? { blobs: (head: Head<S>) => (at.blobs as (state: S) => readonly Digest[])(head.state) } : {}),
  };
  let events: readonly AuditEvent[] = [];
  const written = await update<Head<S> | undefined>(
    at.storage,
    at.key,
    (head) => {
      const next = change(head?.state);
      events = [];
      first = next?.first ?? [];
      if (next === undefined) return head;
      const sequence = head?.sequence ?? 0;
      events = next.events.map((event, i) => ({ ...event, id: newId(), sequence: sequence + i + 1, at: clock.now() }));
      return { state: next.state, sequence: sequence + events.length, outbox: [...(head?.outbox ?? []), ...events] };
    },
    { ...updating, first: () => first },
  );
  // The change and its evidence are stored by now. What fails from here on leaves the events in the record, and the next change moves them.
  if (events.length > 0) await drain(at, written as { value: Head<S>; version: Version }, updating).catch(() => undefined);
  return { state: written.value?.state, events };
}

/** The events of a head record that may not be in the log yet. */
export async function readOutbox(at: HeadLocation, options?: OperationOptions): Promise<readonly AuditEvent[]> {
  return (await readValue<Head<unknown>>(at.storage, at.key, options))?.value.outbox ?? [];
}

/** How many events a head record had, and those that may not be in the log yet. */
export async function readEventsAtHand(at: HeadLocation, options?: OperationOptions): Promise<{ readonly sequence: number; readonly outbox: readonly AuditEvent[] }> {
  const head = (await readValue<Head<unknown>>(at.storage, at.key, options))?.value;
  return { sequence: head?.sequence ?? 0, outbox: head?.outbox ?? [] };
}

/** What a head record is about, by one of its events; `undefined` when nothing happened to it yet. */
export async function readSubject(at: HeadLocation, options: OperationOptions = {}): Promise<RecordRef | undefined> {
  const [event] = await readOutbox(at, options);
  if (event !== undefined) return event.subject;
  for await (const { bytes } of at.storage.readLog(at.key, options)) return (decode(bytes, at.key) as AuditEvent).subject;
  return undefined;
}

/** The events of a head record from the first to the last, whether they reached the log or not. */
export async function readHistory(at: HeadLocation, options: OperationOptions = {}): Promise<AuditEvent[]> {
  // The record is read first: an event that leaves it afterwards is in the log by then.
  const outbox = await readOutbox(at, options);
  const events = new Map<string, AuditEvent>();
  for await (const entry of at.storage.readLog(at.key, options)) {
    const event = decode(entry.bytes, at.key) as AuditEvent;
    events.set(event.id, event);
  }
  for (const event of outbox) events.set(event.id, event);
  return [...events.values()].sort((a, b) => a.sequence - b.sequence);
}

/**
 * Moves the outbox to the log; readers know a double entry by its id. What was appended is taken out even when others changed the record meanwhile, else
 * it would be appended again by each of them and the record would grow.
 */
async function drain<S>(at: HeadLocation, { value, version }: { value: Head<S>; version: Version }, options: UpdateOptions): Promise<void> {
  const { signal } = options;
  await at.storage.append(at.key, value.outbox.map((event) => encode(event)), { signal });
  const trimmed: Head<S> = { ...value, outbox: [] };
  const blobs = (options.blobs as ((head: Head<S>) => readonly Digest[]) | undefined)?.(trimmed);
  const [result] = await at.storage.write([{ kind: 'put', key: at.key, bytes: encode(trimmed, at.key), blobs, condition: { match: version } }], { signal });
  if (result?.ok) return;
  const moved = new Set(value.outbox.map((event) => event.id));
  const trim = (head: Head<S> | undefined): Head<S> | undefined => {
    const outbox = head?.outbox.filter((event) => !moved.has(event.id)) ?? [];
    return head && outbox.length < head.outbox.length ? { ...head, outbox } : head;
  };
  await update<Head<S> | undefined>(at.storage, at.key, trim, options);
}
