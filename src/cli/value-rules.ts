import { timestampOf } from '../core/column.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import { assertPrefix } from '../core/key.ts';

/** What the value of an option must be, beside a number or a text. */
export interface ValueRule {
  /** What it takes, as in "give a whole number of at least 1". */
  readonly takes: string;
  /** Whether a value, a number of an option of numbers and else a text, is such. */
  readonly allows: (value: string | number) => boolean;
}

/** Whole numbers from `least` to `most`. */
export function wholeNumber(least: number, most: number = Infinity): ValueRule {
  return {
    takes: most === Infinity ? `a whole number of at least ${least}` : `a whole number from ${least} to ${most}`,
    allows(value) {
      const number = typeof value === 'number' ? value : /^\d+$/.test(value) ? Number(value) : NaN;
      return Number.isSafeInteger(number) && number >= least && number <= most;
    },
  };
}

/** Chances: neither never nor always. */
export const chance: ValueRule = { takes: 'a number between 0 and 1', allows: (value) => Number(value) > 0 && Number(value) < 1 };

/** Numbers from `least` on. */
export function atLeast(least: number): ValueRule {
  return { takes: `a number of at least ${least}`, allows: (value) => Number(value) >= least };
}

/** Lengths of time. */
export const lengthOfTime: ValueRule = { takes: "a number with one of the units ms, s, m, h, d, such as '12h'", allows: (value) => accepted(() => durationMs(value as Duration)) };

/** Times in ISO 8601, in UTC where they name no hour. */
export const moment: ValueRule = { takes: "a time in ISO 8601, such as '2026-01-31' or '2026-01-31T06:00:00Z'", allows: (value) => /^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?$/.test(String(value)) && timestampOf(String(value)) !== undefined };

/** What keys of records may begin with. */
export const keyPrefix: ValueRule = { takes: "what keys may begin with, such as 'registry/'", allows: (value) => accepted(() => assertPrefix(String(value))) };

function accepted(use: () => unknown): boolean {
  try {
    use();
    return true;
  } catch {
    return false;
  }
}

/** One character that may stand between cells, or what stands for a tab. */
export const delimiter: ValueRule = { takes: 'one character, or \\t for a tab', allows: (value) => /^(?:[^"\r\n]|\\t|tab)$/.test(String(value)) };
