/** What a gate says, as far as a rollout tells of it. */
export interface RolloutGateReport {
  /** Whether every gate passed. */
  readonly passed: boolean;
  /** What each found. */
  readonly gates: readonly { readonly name: string; readonly passed: boolean; readonly reason: string }[];
}

/** What a rollout asks of a registry, and has it do. A `Registry` is one. */
export interface RolloutRegistry {
  /** Which version is in production. */
  getModel(name: string): Promise<{ readonly production?: number | undefined }>;
  /** Whether there is such a version. */
  getVersion(ref: string): Promise<unknown>;
  /** What the gates say of a version. */
  checkGates(ref: string, stage: 'production'): Promise<RolloutGateReport>;
  /** Promotes a version in the place of `from`, which must still be there. */
  promote(ref: string, stage: 'production', options: { readonly by: string; readonly reason: string; readonly force: boolean; readonly from: number }): Promise<unknown>;
  /** Goes back to a version. */
  rollback(model: string, options: { readonly by: string; readonly reason: string; readonly from: number; readonly to: number }): Promise<unknown>;
}
