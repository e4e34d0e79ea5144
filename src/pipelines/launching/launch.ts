import { digestOf } from '../../core/digest.ts';
import type { ErrorListener } from '../../core/logger.ts';
import type { Clock } from '../../core/clock.ts';
import type { PipelineListener } from '../pipeline-event.ts';
import type { RunOutcome } from '../run-state.ts';
import type { RunStore } from '../run-store.ts';
import type { DataInterval } from '../schedules/data-interval.ts';
import type { RunCause } from './run-cause.ts';

/** A run that was decided upon: whoever carries it out, it is this one. */
export interface Launch {
  /** Derived from what the run is for, so that the same is never run for twice. */
  readonly run: string;
  /** What the schema made of the params. */
  readonly params?: unknown;
  readonly triggeredBy: RunCause;
  readonly interval?: DataInterval | undefined;
  /** When it was decided, epoch milliseconds. */
  readonly claimedAt: number;
}

/** How launched runs are carried out. */
export interface LaunchOptions {
  readonly signal?: AbortSignal | undefined;
  readonly concurrency?: number | undefined;
  readonly onEvent?: PipelineListener | undefined;
  /** Whether a run that failed or was cancelled is tried again. @default false */
  readonly retry?: boolean | undefined;
}

/** What a pipeline lends to its schedules and triggers. */
export interface LaunchHost {
  readonly pipeline: string;
  readonly store: RunStore;
  readonly clock: Clock;
  /** A process that is silent for so long counts as gone. */
  readonly leaseMs: number;
  readonly onError: ErrorListener;
  /** Whether the pipeline has steps that wait for somebody. */
  readonly hasApprovals: () => boolean;
  /** What the schema makes of params; throws `ValidationError` when they do not validate. */
  readonly validated: (given: unknown) => Promise<unknown>;
  /** Begins a run, goes on with it where it was interrupted, or finds that it has ended; `waiting` when it does so for somebody, and `undefined` when another process works on it. */
  readonly carryOut: (launch: Launch, options: LaunchOptions) => Promise<RunOutcome | 'waiting' | undefined>;
}

/** The id of the run for something: the same wherever it is asked for, in the form of a UUIDv7 of the time that the run is about. */
export function runIdFor(at: number, ...what: readonly (string | number)[]): string {
  const digest = digestOf(JSON.stringify(what)).slice('sha256:'.length);
  const time = Math.min(Math.max(0, Math.floor(at)), 2 ** 48 - 1)
    .toString(16)
    .padStart(12, '0');
  const variant = '89ab'.charAt(parseInt(digest.charAt(3), 16) % 4);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${digest.slice(0, 3)}-${variant}${digest.slice(4, 7)}-${digest.slice(7, 19)}`;
}
