/** What orders points: step, then timestamp, then the order of logging; column by column, and no two alike. */
export interface PointKeys {
  readonly steps: Float64Array;
  readonly timestamps: Float64Array;
  /** The place of each point in the order of logging. */
  readonly places: Float64Array;
}

/** Whether one point comes before the one at `i`. */
export function isBefore(step: number, timestamp: number, place: number, keys: PointKeys, i: number): boolean {
  const otherStep = keys.steps[i]!;
  if (step !== otherStep) return step < otherStep;
  const otherTimestamp = keys.timestamps[i]!;
  return timestamp === otherTimestamp ? place < keys.places[i]! : timestamp < otherTimestamp;
}
