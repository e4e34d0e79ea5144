import type { AuditEvent } from '../core/audit.ts';
import { decode } from '../core/codec.ts';
import type { LogPosition } from './contract.ts';
import { glanceAt } from './event-glance.ts';
import { readEventsAtHand, type HeadLocation } from './head-record.ts';

/** Which events of a history are asked for. */
export interface NewestQuery {
  /** At most this many. */
  readonly limit: number;
  /** Events before this sequence only, such as the `older` of the page before. @default from the newest */
  readonly before?: number | undefined;
  /** Whether events of a type are wanted. @default all */
  readonly wants?: ((type: string) => boolean) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Part of a history, the newest first. */
export interface NewestPage {
  readonly events: readonly AuditEvent[];
  /** Give it as `before` for the next page; absent when there is nothing older. */
  readonly older?: number | undefined;
  /** How many there are that are wanted, on all pages. */
  readonly total: number;
}

/** So many events share a place in the log. */
const blockSize = 64;
/** The log may be ahead of a record that was read before it, though not by so much: a number beyond is damage, and room for it would be all memory. */
const mostAhead = 1_000_000;

/**
 * The history of a head record from its end. A log is read forwards only, so the first look goes through all of it, at the sequence and type of each event, and decodes none; from then on this instance knows where each stretch of it
 * lies, and a look reads what has come since and the stretch that it shows. It keeps two bytes for each event, and a position for every 64.
 */
export class NewestEvents {
  readonly #at: HeadLocation;
  #known = new KnownEvents();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(at: HeadLocation) {
    this.#at = at;
  }

  /** A page of the newest events. */
  async page(query: NewestQuery): Promise<NewestPage> {
    const { page, known, stale } = await this.#look(query);
    if (!stale) return page;
    // Another history came in the place of the one that was looked at, as long as that or longer.
    if (this.#known === known) this.#known = new KnownEvents();
    return (await this.#look(query)).page;
  }

  /** The sequence of the event of a type before which so many others of it came; `undefined` when there is none. */
  async nth(type: string, before: number, signal?: AbortSignal): Promise<number | undefined> {
    const atHand = await this.#catchUp(signal);
    const waiting = atHand.filter((event) => event.type === type && !this.#known.has(event.sequence)).map(({ sequence }) => sequence);
    return [...this.#known.of(type), ...waiting][before];
  }

  async #look({ limit, before = Infinity, wants = () => true, signal }: NewestQuery): Promise<{ readonly page: NewestPage; readonly known: KnownEvents; readonly stale: boolean }> {
    const atHand = await this.#catchUp(signal);
    const known = this.#known;
    const waiting = atHand.filter(({ sequence, type }) => wants(type) && !known.has(sequence));
    const total = known.count(wants) + waiting.length;
    const wanted = [...known.before(before, limit + 1, wants), ...waiting.map(({ sequence }) => sequence).filter((sequence) => sequence < before)].sort((a, b) => b - a);
    const shown = wanted.slice(0, limit);
    const events = await this.#read(known, new Set(shown), waiting, signal);
    const found = new Set(events.map(({ sequence, type }) => `${sequence} ${type}`));
    const stale = shown.some((sequence) => known.has(sequence) && !found.has(`${sequence} ${known.typeOf(sequence)}`));
    return { page: { events: events.sort((a, b) => b.sequence - a.sequence), total, ...(wanted.length > limit && { older: shown.at(-1)! }) }, known, stale };
  }

  /** Looks at what has come; gives the events that may not be in the log yet. One look after the other, so that none is entered twice. */
  #catchUp(signal: AbortSignal | undefined): Promise<readonly AuditEvent[]> {
    const turn = this.#turn.then(async () => {
      // The record is read first: an event that leaves it afterwards is in the log by then.
      const { sequence, outbox } = await readEventsAtHand(this.#at, { signal });
      // A store that was put back to an earlier state has another log.
      if (this.#known.highest > sequence) this.#known = new KnownEvents();
      const { storage, key } = this.#at;
      for await (const { bytes, position } of storage.readLog(key, { after: this.#known.position, transient: true, signal })) {
        const glance = glanceAt(bytes, key);
        if (glance.sequence <= sequence + mostAhead) this.#known.add(glance.sequence, glance.type, position);
      }
      return outbox;
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #read(known: KnownEvents, sequences: ReadonlySet<number>, waiting: readonly AuditEvent[], signal: AbortSignal | undefined): Promise<AuditEvent[]> {
    const events = new Map<string, AuditEvent>();
    for (const event of waiting) if (sequences.has(event.sequence)) events.set(event.id, event);
    const stored = [...sequences].filter((sequence) => known.has(sequence));
    let missing = stored.reduce((sum, sequence) => sum + known.entriesOf(sequence), 0);
    if (missing === 0) return [...events.values()];
    const { storage, key } = this.#at;
    for await (const { bytes } of storage.readLog(key, { after: known.placeOf(Math.min(...stored)), transient: true, signal })) {
      if (!sequences.has(glanceAt(bytes, key).sequence)) continue;
      const event = decode(bytes, key) as AuditEvent;
      events.set(event.id, event);
      if (--missing === 0) break;
    }
    return [...events.values()];
  }
}

/** Where the events of a log lie, and of which types they are. */
class KnownEvents {
  /** Up to here the log was looked at. */
  position: LogPosition | undefined;
  highest = 0;
  readonly #names: string[] = [];
  readonly #counts: number[] = [];
  /** By sequence, 1 + the place of the type in the names; 0 where no event was seen. */
  #types = new Uint16Array(1_024);
  /** By block of sequences, a position before which all events are of earlier blocks. */
  readonly #places: (LogPosition | undefined)[] = [undefined];
  /** How often a sequence was seen, where that is more than once: entries that were written again, or copies that went apart. */
  readonly #repeated = new Map<number, number>();

  add(sequence: number, type: string, position: LogPosition): void {
    for (let block = this.#places.length; block <= Math.floor(sequence / blockSize); block++) this.#places.push(this.position);
    this.position = position;
    this.highest = Math.max(this.highest, sequence);
    if (this.has(sequence)) {
      this.#repeated.set(sequence, this.entriesOf(sequence) + 1);
      return;
    }
    if (sequence >= this.#types.length) {
      const larger = new Uint16Array(Math.max(2 * this.#types.length, sequence + 1));
      larger.set(this.#types);
      this.#types = larger;
    }
    let name = this.#names.indexOf(type);
    if (name < 0) name = this.#names.push(type) - 1;
    this.#types[sequence] = name + 1;
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
  }

  has(sequence: number): boolean {
    return (this.#types[sequence] ?? 0) > 0;
  }

  typeOf(sequence: number): string | undefined {
    return this.#names[(this.#types[sequence] ?? 0) - 1];
  }

  entriesOf(sequence: number): number {
    return this.#repeated.get(sequence) ?? 1;
  }

  placeOf(sequence: number): LogPosition | undefined {
    return this.#places[Math.floor(sequence / blockSize)];
  }

  count(wants: (type: string) => boolean): number {
    return this.#names.reduce((sum, name, i) => sum + (wants(name) ? this.#counts[i]! : 0), 0);
  }

  /** The last sequences before one, the latest first. */
  before(end: number, most: number, wants: (type: string) => boolean): number[] {
    const wanted = this.#names.map(wants);
    const found: number[] = [];
    for (let sequence = Math.min(end - 1, this.highest); sequence > 0 && found.length < most; sequence--) {
      if (this.has(sequence) && wanted[this.#types[sequence]! - 1]) found.push(sequence);
    }
    return found;
  }

  /** All sequences of a type, the first one first. */
  of(type: string): number[] {
    const name = this.#names.indexOf(type) + 1;
    const found: number[] = [];
    for (let sequence = 1; name > 0 && sequence <= this.highest; sequence++) if (this.#types[sequence] === name) found.push(sequence);
    return found;
  }
}
