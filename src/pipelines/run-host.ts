import type { NewAuditEvent } from '../core/audit.ts';
import type { Clock } from '../core/clock.ts';
import type { ErrorListener } from '../core/logger.ts';
import type { Random } from '../core/random.ts';
import type { CancelWatch } from './cancelling/cancel-watch.ts';
import type { PoolSlots } from './pool-slots.ts';
import type { RunHead, RunStore } from './run-store.ts';
import type { StepTracker } from './step-tracking.ts';
import type { StepHandle } from './step.ts';
import type { StepExecutor } from './workers/step-executor.ts';

/** What the runs of a pipeline in this process have in common. */
export interface RunHost {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly random: Random | undefined;
  readonly graceMs: number;
  readonly leaseMs: number;
  /** Bounds each run as a whole. */
  readonly runTimeoutMs: number | undefined;
  readonly slots: PoolSlots;
  /** About how many characters the log of an attempt keeps. */
  readonly logCharacters: number;
  /** Where steps have runs that ask for one. */
  readonly tracker: StepTracker | undefined;
  /** What has attempts made elsewhere; absent when they are made here. */
  readonly executor: 'workers' | StepExecutor | undefined;
  /** Of the runs that go on here, what looks whether they are to be cancelled. */
  readonly watches: Set<CancelWatch>;
  readonly onError: ErrorListener;
  readonly isOwn: (handle: unknown) => handle is StepHandle;
  /** An event of a run's history. */
  readonly event: (head: RunHead, type: string, data: Readonly<Record<string, unknown>>) => NewAuditEvent;
}
