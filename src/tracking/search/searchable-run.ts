import type { RunRecord } from '../run-record.ts';

/** A dataset of a run, as searches see it. */
export interface SearchableDataset {
  /** As it was given. */
  readonly name: string;
  /** Its fingerprint. */
  readonly digest: string;
  /** What it served for, such as `training`. */
  readonly role: string;
}

/** A run with everything that a search may ask for. */
export interface SearchableRun extends RunRecord {
  /** Those that it used, in any order; absent where nothing is asked about them. */
  readonly datasets?: readonly SearchableDataset[] | undefined;
}
