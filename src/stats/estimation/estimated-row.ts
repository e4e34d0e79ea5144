/** A row whose performance is estimated, as it is observed: whatever a value is, it is counted, at least as one that cannot be used. */
export interface EstimatedRow {
  /** Values by column. */
  readonly features?: Readonly<Record<string, unknown>> | undefined;
  readonly prediction?: unknown;
  /** A score, or one per class; where a threshold decides what is predicted, a prediction is its own score. */
  readonly scores?: unknown;
}
