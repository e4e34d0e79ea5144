import type { Acknowledgement, Intent } from '../storage/faults/workload.ts';

/** What a worker process tells, one line of JSON for each. */
export type Report = { readonly worker: string; readonly intent: Intent } | { readonly worker: string; readonly acknowledgement: Acknowledgement };
