import { clopperPearsonInterval } from '../../stats/tests/clopper-pearson-interval.ts';
import type { QualityCheck } from './quality-report.ts';
import type { Part } from './share-tests.ts';

/** A share of a window, with what it is held to. */
export interface ShareQuestion {
  readonly name: QualityCheck['name'];
  readonly column?: string | undefined;
  readonly current: Part;
  /** Whether there may be more rows than were counted. */
  readonly atLeast?: boolean | undefined;
  readonly reference: Part;
  /** What decides in the place of the reference. */
  readonly max: number | undefined;
  /** The chance of so large a share, were all rows like those of the reference. Both sides have rows when it is called. */
  readonly pValue: () => number;
  /** What was counted, in words that follow the share. */
  readonly what: () => string;
}

/** How shares are judged. */
export interface ShareRules {
  /** The chance that one is called violated and is not. */
  readonly level: number;
  readonly minIncrease: number;
  readonly minRows: number;
}

/** Whether a share is above what it may be. */
export function judgeShare(question: ShareQuestion, { level, minIncrease, minRows }: ShareRules): QualityCheck {
  const { name, column, current, atLeast = false, reference, max } = question;
  const { rows, of } = current;
  const { low, high } = intervalOf(current, level);
  const byReference = max === undefined;
  const enough = of >= minRows && (!byReference || reference.of >= minRows);
  const before = reference.of === 0 ? 0 : reference.rows / reference.of;
  const pValue = byReference && enough ? (rows === 0 ? 1 : question.pValue()) : undefined;
  const above = byReference ? pValue !== undefined && pValue <= level && low > before + minIncrease : low > max;
  return {
    name,
    ...(column !== undefined && { column }),
    status: !enough ? 'insufficient' : above ? 'violated' : atLeast ? 'insufficient' : 'held',
    rows,
    of,
    share: of === 0 ? 0 : rows / of,
    low,
    high: atLeast ? 1 : high,
    ...(byReference ? { reference: before, ...(pValue !== undefined && { pValue }) } : { max }),
    reason: rows === 0 ? '' : reasonOf(question, before),
  };
}

/** The exact interval; most shares are 0, for which it needs no search. */
function intervalOf({ rows, of }: Part, level: number): { low: number; high: number } {
  return rows === 0 && of > 0 ? { low: 0, high: 1 - level ** (1 / of) } : clopperPearsonInterval(rows, of, level);
}

function reasonOf({ column, current: { rows, of }, atLeast, max, what }: ShareQuestion, before: number): string {
  const expected = max === undefined ? `where ${percent(before)} of the reference's are` : max === 0 ? 'where none may be' : `where at most ${percent(max)} may be`;
  return `${column === undefined ? '' : `${column}: `}${atLeast ? 'at least ' : ''}${percent(rows / of)} ${what()} (${rows} of ${of}), ${expected}`;
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(4))} %`;
}
