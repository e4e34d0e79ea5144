const start = (month: number): number => Date.UTC(2001, month - 1, 1);

/** A stretch of time, from `start` (included) to `end` (excluded), epoch milliseconds. */
export interface Period {
  label: string;
  start: number;
  end: number;
}

/** A month of 2001; 1 is January. */
export function monthOf2001(month: number): Period {
  const label = new Date(start(month)).toLocaleString('en', { month: 'long', timeZone: 'UTC' });
  return { label, start: start(month), end: start(month + 1) };
}

/** What the models learn from. */
export const trainingPeriod: Period = monthOf2001(1);
/** What they are judged on. */
export const evaluationPeriod: Period = { label: 'the first week of February', start: start(2), end: start(2) + 7 * 86_400_000 };
/** When the chosen one answers requests: an hour after that week. */
export const servingPeriod: Period = { label: '8 February, 17:00', start: evaluationPeriod.end + 17 * 3_600_000, end: evaluationPeriod.end + 18 * 3_600_000 };
/** What has landed before. */
export const past: Period = { label: 'the past', start: -Infinity, end: servingPeriod.start };
/** What lands afterwards. */
export const future: Period = { label: 'the future', start: servingPeriod.end, end: Infinity };
