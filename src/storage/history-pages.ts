import type { AuditEvent } from '../core/audit.ts';
import { decode } from '../core/codec.ts';
import type { LogPosition } from './contract.ts';
import { glanceAt } from './event-glance.ts';
import { readOutbox, type HeadLocation } from './head-record.ts';

/** A part of a history, in the order of its events. */
export interface HistoryPage {
  readonly events: readonly AuditEvent[];
  /** The sequence behind which the next page begins; absent when there is none. */
  readonly next?: number | undefined;
  /** Up to this sequence no event was missing as far as was read. */
  readonly reached: number;
}

/** Which events a page has. */
export interface HistoryPageOptions {
  readonly limit: number;
  readonly wants: (event: AuditEvent) => boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Ends of pages, and of histories, of which it is remembered where they lie in the log. */
const keptPlaces = 32;

/**
 * The history of a head record page by page. A page is read from where the one before it ended, as long as this instance remembers that, and only as far as it must be: events are numbered without gaps, so that it is known when no
 * earlier one is to come, be it from a writer that is read later. Where there are gaps, in a copy that is not complete, the log is read to its end.
 */
export class HistoryPages {
  readonly #at: HeadLocation;
  /** By the sequence of the last event of a page, a position of the log before which no later event stands. */
  readonly #places = new Map<number, LogPosition>();

  constructor(at: HeadLocation) {
    this.#at = at;
  }

  /** The events behind a sequence. In copies that went apart two events may have one sequence; they come on one page, which is then longer. */
  async page(after: number, { limit, wants, signal }: HistoryPageOptions): Promise<HistoryPage> {
    const { storage, key } = this.#at;
    const run = new EventRun(after, wants);
    // The record is read first: an event that leaves it afterwards is in the log by then.
    for (const event of await readOutbox(this.#at, { signal })) run.add(event);
    const from = this.#places.get(after);
    const passed: { readonly position: LogPosition; readonly highest: number }[] = [];
    let highest = after;
    if (run.length <= limit) {
      for await (const { bytes, position } of storage.readLog(key, { after: from, transient: true, signal })) {
        const { sequence } = glanceAt(bytes, key);
        // What was there before is passed over, not decoded.
        if (sequence > after) run.add(decode(bytes, key) as AuditEvent);
        highest = Math.max(highest, sequence);
        passed.push({ position, highest });
        if (run.length > limit) break;
      }
    }
    const page = run.page(limit);
    // Who comes to the end reads on from there when there is more.
    const end = page.next ?? page.reached;
    this.#keep(end, passed.findLast((each) => each.highest <= end)?.position ?? from);
    return page;
  }

  #keep(sequence: number, position: LogPosition | undefined): void {
    this.#places.delete(sequence);
    if (position === undefined) return;
    this.#places.set(sequence, position);
    if (this.#places.size > keptPlaces) this.#places.delete(this.#places.keys().next().value!);
  }
}

/** Events behind a sequence, as they are found. */
class EventRun {
  readonly #after: number;
  readonly #wants: (event: AuditEvent) => boolean;
  readonly #bySequence = new Map<number, AuditEvent[]>();
  /** Up to here none is missing. */
  #reached: number;
  /** How many that are wanted lie up to there. */
  length = 0;

  constructor(after: number, wants: (event: AuditEvent) => boolean) {
    this.#after = this.#reached = after;
    this.#wants = wants;
  }

  add(event: AuditEvent): void {
    if (event.sequence <= this.#after) return;
    const same = this.#bySequence.get(event.sequence);
    if (same === undefined) this.#bySequence.set(event.sequence, [event]);
    else if (!same.some(({ id }) => id === event.id)) same.push(event);
    for (let next = this.#bySequence.get(this.#reached + 1); next !== undefined; next = this.#bySequence.get(this.#reached + 1)) {
      this.#reached++;
      this.length += next.filter(this.#wants).length;
    }
  }

  page(limit: number): HistoryPage {
    const sorted = [...this.#bySequence].sort(([a], [b]) => a - b).flatMap(([, events]) => events.filter(this.#wants));
    let end = Math.min(limit, sorted.length);
    while (end < sorted.length && sorted[end]!.sequence === sorted[end - 1]!.sequence) end++;
    const events = sorted.slice(0, end);
    return { events, reached: this.#reached, ...(end < sorted.length && { next: events.at(-1)!.sequence }) };
  }
}
