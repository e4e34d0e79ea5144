import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';

// More than any zone is ahead or behind, so that a change of the clocks near a wall time lies in between.
const aroundMs = 26 * 3_600_000;
// No zone changes its clocks twice within so short a time.
const blockMs = 3 * 86_400_000;
const mostBlocks = 1_000;

/** A short time in which the clocks change once at most. */
interface Block {
  /** When the offset changes; where it does not, the end. */
  readonly change: number;
  readonly before: number;
  readonly after: number;
}

/** A wall time is what the clocks of a zone show, as the epoch milliseconds of the same reading in UTC. */
export type WallTime = number;

/** Wall times that a zone leaves out, because its clocks are put forward. */
export interface Gap {
  /** The moment at which the clocks are put forward. */
  readonly at: number;
  /** The first wall time that is left out. */
  readonly from: WallTime;
  /** The first that there is again. */
  readonly to: WallTime;
}

/** The clocks of a zone of the IANA database, as the host knows it. */
export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #blocks = new Map<number, Block>();

  /** Throws `ValidationError`, naming `path`, when the host knows no such zone. */
  constructor(name: string, path: string) {
    this.name = name;
    try {
      if (typeof name !== 'string' || name === '') throw new RangeError();
      this.#format = new Intl.DateTimeFormat('en-US', {
        timeZone: name,
        hourCycle: 'h23',
        era: 'short',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric',
      });
    } catch {
      throw new ValidationError(`${path} is ${shown(name)}, which is no time zone that this host knows; give one such as 'Europe/Paris' or 'UTC'.`, { path });
    }
  }

  /** How far the clocks are ahead of UTC at a moment, in milliseconds. */
  offsetAt(at: number): number {
    const { change, before, after } = this.#block(Math.floor(at / blockMs));
    return at < change ? before : after;
  }

  /** The offsets of a block of time and when one follows the other; the host takes its time to tell. */
  #block(number: number): Block {
    const known = this.#blocks.get(number);
    if (known) return known;
    if (this.#blocks.size >= mostBlocks) this.#blocks.clear();
    let [low, high] = [number * blockMs, (number + 1) * blockMs];
    const [before, after] = [this.#ask(low), this.#ask(high)];
    while (before !== after && high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#ask(middle) === before) low = middle;
      else high = middle;
    }
    const block = { change: high, before, after };
    this.#blocks.set(number, block);
    return block;
  }

  #ask(at: number): number {
    const parts: Record<string, string> = {};
    for (const { type, value } of this.#format.formatToParts(at)) parts[type] = value;
    const year = parts['era'] === 'BC' ? 1 - Number(parts['year']) : Number(parts['year']);
    const wall = Date.UTC(2000, Number(parts['month']) - 1, Number(parts['day']), Number(parts['hour']), Number(parts['minute']), Number(parts['second']));
    const second = Math.floor(at / 1000) * 1000;
    return new Date(wall).setUTCFullYear(year, Number(parts['month']) - 1, Number(parts['day'])) - second;
  }

  /** What the clocks show at a moment. */
  wallAt(at: number): WallTime {
    return at + this.offsetAt(at);
  }

  /** The offsets that are in force around a moment, without doubles. */
  offsetsAround(at: number): readonly number[] {
    return [...new Set([this.offsetAt(at - aroundMs), this.offsetAt(at), this.offsetAt(at + aroundMs)])];
  }

  /** The moments at which the clocks show a wall time, in order: one as a rule, none where they are put forward, two where they are put back. */
  momentsOf(wall: WallTime): readonly number[] {
    const moments = this.offsetsAround(wall).map((offset) => wall - offset).filter((at) => this.wallAt(at) === wall);
    return moments.sort((a, b) => a - b);
  }

  /** The gap that a wall time lies in, if it does. */
  gapAround(wall: WallTime): Gap | undefined {
    for (let number = Math.floor((wall - aroundMs) / blockMs); number <= Math.floor((wall + aroundMs) / blockMs); number++) {
      const { change, before, after } = this.#block(number);
      if (after > before && wall >= change + before && wall < change + after) return { at: change, from: change + before, to: change + after };
    }
    return undefined;
  }
}
