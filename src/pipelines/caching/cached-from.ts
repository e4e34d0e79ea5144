/** Where an output comes from that was not made in its own run. */
export interface CachedFrom {
  /** Id of the run that made it. */
  readonly run: string;
  /** When it was made, epoch milliseconds. */
  readonly at: number;
  /** How long the attempt took that made it, in milliseconds. */
  readonly durationMs: number;
}
