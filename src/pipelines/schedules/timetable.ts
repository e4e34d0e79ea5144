/** Moments in order, without end or until the last, in epoch milliseconds. Pure: the same question has the same answer whenever and wherever it is asked. */
export interface Timetable {
  /** The first tick after a moment; `undefined` when there is none any more. */
  next(after: number): number | undefined;
  /** The last tick at or before a moment; `undefined` when there was none. */
  previous(at: number): number | undefined;
}
