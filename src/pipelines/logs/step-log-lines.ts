import { wellFormed } from '../../core/bytes.ts';

/** How much a line matters. */
export type StepLogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The levels, the least first. */
export const stepLogLevels: readonly StepLogLevel[] = ['debug', 'info', 'warn', 'error'];

/** A line as it was logged. */
export interface LoggedLine {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly level: StepLogLevel;
  readonly text: string;
}

/** One entry of a step's log. */
export interface StepLogEntry {
  readonly attempt: number;
  readonly lines: readonly LoggedLine[];
  /** How many lines were left out before these; absent when none were. */
  readonly dropped?: number | undefined;
}

const mostPerLine = 16_384;
// What a line costs beside its text.
const perLine = 32;
// Entries stay far below what any adapter takes, whatever the characters are.
const mostPerEntry = 65_536;

/** A text as it is kept: cut where it is very long, and well-formed. */
export function keptText(text: string): string {
  const kept = text.length <= mostPerLine ? text : `${text.slice(0, mostPerLine)}… (${text.length - mostPerLine} characters more)`;
  return wellFormed(kept);
}

/** Lines within a bound: the first half of it as they come, and of the rest the last ones, which are held until all have come. */
export class BoundedLines {
  readonly #half: number;
  #headSize = 0;
  #tailSize = 0;
  #waiting: LoggedLine[] = [];
  #tail: LoggedLine[] = [];
  /** Where the tail begins: what is before it was dropped and not yet taken out. */
  #tailStart = 0;
  #dropped = 0;

  /** @param most - About how many characters are kept. */
  constructor(most: number) {
    this.#half = most / 2;
  }

  add(line: LoggedLine): void {
    const size = sizeOf(line);
    // Once a line did not fit, later ones come after it, however short.
    if (this.#tail.length === 0 && this.#headSize + size <= this.#half) {
      this.#headSize += size;
      this.#waiting.push(line);
      return;
    }
    this.#tail.push(line);
    this.#tailSize += size;
    while (this.#tailSize > this.#half && this.#tailStart < this.#tail.length - 1) {
      this.#tailSize -= sizeOf(this.#tail[this.#tailStart]!);
      this.#tailStart++;
      this.#dropped++;
    }
    if (this.#tailStart > 1024 && 2 * this.#tailStart > this.#tail.length) {
      this.#tail = this.#tail.slice(this.#tailStart);
      this.#tailStart = 0;
    }
  }

  /** Whether there are lines of the first half that were not taken. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Takes the lines of the first half that have come since, as entries. */
  takeWaiting(attempt: number): StepLogEntry[] {
    return entriesOf(attempt, this.#waiting.splice(0));
  }

  /** Takes the last lines, as entries of which the first tells how many were left out before. */
  takeTail(attempt: number): StepLogEntry[] {
    const [first, ...rest] = entriesOf(attempt, this.#tail.slice(this.#tailStart));
    const dropped = this.#dropped;
    this.#tail = [];
    this.#tailStart = this.#tailSize = this.#dropped = 0;
    return first ? [dropped > 0 ? { ...first, dropped } : first, ...rest] : [];
  }
}

function sizeOf({ text }: LoggedLine): number {
  return text.length + perLine;
}

function entriesOf(attempt: number, lines: readonly LoggedLine[]): StepLogEntry[] {
  const entries: StepLogEntry[] = [];
  let from = 0;
  let size = 0;
  for (const [i, line] of lines.entries()) {
    size += sizeOf(line);
    if (size < mostPerEntry && i < lines.length - 1) continue;
    entries.push({ attempt, lines: lines.slice(from, i + 1) });
    from = i + 1;
    size = 0;
  }
  return entries;
}
