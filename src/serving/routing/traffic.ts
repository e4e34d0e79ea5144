/** How requests are shared between the version in use and a candidate. Replaced as a whole when it changes. */
export interface Traffic {
  /** The version in use; absent when the registry says which one it is. */
  readonly stable?: number | undefined;
  /** The version that is tried beside it; absent when there is none. */
  readonly candidate?: CandidateTraffic | undefined;
}

/** The share of a candidate. */
export interface CandidateTraffic {
  /** Its version. */
  readonly version: number;
  /** The share of requests that it answers, from 0 to 1. */
  readonly weight: number;
  /** The share of requests that the stable version answers as the control that the candidate is compared with, from 0 to 1. */
  readonly controlWeight: number;
  /** The share of the requests of others that it is given a copy of, from 0 to 1. */
  readonly shadow: number;
  /** What keys are hashed with, of this rollout alone. */
  readonly salt: string;
}

/** All to the version in use. */
export const noTraffic: Traffic = {};
