/** That someone vouches for a version, or no longer does. */
export interface Approval {
  /** UUIDv7. */
  readonly id: string;
  /** Name of the model. */
  readonly model: string;
  /** Number of the version. */
  readonly version: number;
  /** Who. */
  readonly by: string;
  /** Why. */
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** An approval, or its withdrawal, as it is stored. */
export interface ApprovalRecord extends Approval {
  readonly withdrawn: boolean;
  /** The model's revision that this made: later ones are greater. */
  readonly revision: number;
}

/** The approvals that stand, oldest first: one for each person whose last word it was. */
export function standingApprovals(records: readonly ApprovalRecord[]): Approval[] {
  const last = new Map<string, ApprovalRecord>();
  for (const record of records) {
    // Saying the same again does not make it younger.
    if (last.get(record.by)?.withdrawn === record.withdrawn) continue;
    last.delete(record.by);
    last.set(record.by, record);
  }
  return [...last.values()].flatMap(({ revision: _, withdrawn, ...approval }) => (withdrawn ? [] : [approval]));
}
