/** Where a version stands in this process: it is loaded, then warmed up, then ready, then drained of its last requests, then unloaded. `failed` could not be loaded. */
export type VersionState = 'loading' | 'warming' | 'ready' | 'draining' | 'unloaded' | 'failed';

/** A version of a deployed model, as this process has it. */
export interface VersionStatus {
  /** Its number. */
  readonly version: number;
  /** Where it stands. */
  readonly state: VersionState;
  /** As what it is in use now: absent for one that is only kept. */
  readonly arm?: 'stable' | 'candidate' | undefined;
  /** What it failed of, for people; absent unless it failed. */
  readonly error?: string | undefined;
  /** Bytes that it holds; 0 unless it is in memory. */
  readonly bytes: number;
  /** Requests that are in it now. */
  readonly inFlight: number;
  /** Requests that wait for it now. */
  readonly queued: number;
}
