import { throwIfAborted } from '../core/abort.ts';
import { isModelkeepError } from '../core/errors.ts';
import { Lease, type LeaseRecord } from '../storage/lease.ts';
import type { Definition } from './definition.ts';
import type { Launch, LaunchOptions } from './launching/launch.ts';
import type { ResumeOptions } from './pipeline-options.ts';
import { driveRun, finishedRun, type DriveOptions } from './run-driver.ts';
import type { RunHost } from './run-host.ts';
import type { PipelineResult } from './run-result.ts';
import { hasEnded, type RunOutcome } from './run-state.ts';
import type { RunHead } from './run-store.ts';

const leaseAdvice = { held: 'Wait for it, or resume with takeOver: true when you know that it is gone.', lost: 'What was committed stays; look at getRun() or resume later.' };

/** What a run begins with. */
export type RunBeginning = Pick<RunHead, 'id' | 'params' | 'refresh' | 'triggeredBy' | 'interval'>;

/** How a run that there is already is gone on with. */
export interface ContinueOptions extends DriveOptions, Pick<ResumeOptions, 'takeOver'> {
  /** Whether a run that failed or was cancelled is tried again, else its result is given. @default true */
  readonly again?: boolean | undefined;
}

/** Begins runs and goes on with them, each under its lease, which is given back whatever happens. */
export class RunStarter {
  readonly #host: RunHost;
  readonly #owner: string;
  readonly #definition: () => Definition;

  /** @param definition - What the pipeline is at this moment. */
  constructor(host: RunHost, owner: string, definition: () => Definition) {
    this.#host = host;
    this.#owner = owner;
    this.#definition = definition;
  }

  async begin(definition: Definition, run: RunBeginning, options: DriveOptions): Promise<PipelineResult> {
    const { store, clock } = this.#host;
    const head: RunHead = { ...run, pipeline: store.pipeline, status: 'running', definition: definition.shape(), fence: 1, round: 1, startedAt: clock.now() };
    // The lease comes first: a run must not be found without an owner while it begins.
    const lease = await this.#lease(head, 0, () => false);
    return this.#held(lease, async () => {
      const { by, reason }: { by?: string | undefined; reason?: string | undefined } = head.triggeredBy?.kind === 'call' ? head.triggeredBy : {};
      await store.create(head, { ...this.#host.event(head, 'started', { fence: lease.fence }), by, reason });
      return driveRun(this.#host, { head, definition, lease, records: new Map(), resumed: false }, options);
    });
  }

  async goOn(id: string, { again = true, takeOver = false, ...options }: ContinueOptions): Promise<PipelineResult> {
    const { store } = this.#host;
    const { signal } = options;
    const definition = this.#definition();
    throwIfAborted(signal, `Resuming run ${String(id)}`);
    const before = await store.presentHead(id, { signal });
    definition.assertContinues(id, before.definition);
    if (before.status === 'succeeded') return finishedRun(this.#host, before, definition);
    // A lease that its owner has outlived was only not given back.
    const lease = await this.#lease(before, before.fence, ({ fence }) => takeOver || (before.status !== 'running' && fence <= before.fence));
    return this.#held(lease, async () => {
      const present = again ? undefined : await store.presentHead(id, { signal });
      if (present && hasEnded(present.status)) return finishedRun(this.#host, present, definition);
      const { fence } = lease;
      const head = await store.change(id, fence, (present) => ({ ...present, ...this.#continued(present), fence }), this.#host.event(before, 'resumed', { fence, from: before.status }));
      if (head.status === 'succeeded') return finishedRun(this.#host, head, definition);
      const records = await store.steps(id, [...definition.steps.keys()]);
      return driveRun(this.#host, { head, definition, lease, records, resumed: true }, options);
    });
  }

  /** Goes on with a run, or begins it when there is none of that id. */
  async advance(beginning: RunBeginning, options: ContinueOptions): Promise<PipelineResult> {
    if (await this.#host.store.head(beginning.id)) return this.goOn(beginning.id, options);
    return this.begin(this.#definition(), beginning, options);
  }

  /** A run that was decided upon: begun, gone on with, or found to have ended; `undefined` while another process works on it. */
  async carryOut({ run: id, params, triggeredBy, interval }: Launch, { retry = false, ...options }: LaunchOptions): Promise<RunOutcome | 'waiting' | undefined> {
    const present = await this.#host.store.head(id);
    if (present && hasEnded(present.status) && !retry) return present.status;
    try {
      return (await this.advance({ id, params, triggeredBy, interval }, { ...options, again: retry })).status;
    } catch (error) {
      if (isModelkeepError(error, 'conflict')) return undefined;
      throw error;
    }
  }

  /** What changes in a run that is gone on with: one that had ended begins again. */
  #continued({ status, round }: RunHead): Partial<RunHead> {
    if (!hasEnded(status)) return { status: 'running', parked: undefined };
    return { status: 'running', endedAt: undefined, failure: undefined, round: round + 1, roundStartedAt: this.#host.clock.now() };
  }

  #lease(head: RunHead, lastFence: number, over: (lease: LeaseRecord) => boolean): Promise<Lease> {
    const { store, leaseMs: ttlMs, clock, onError } = this.#host;
    const terms = { storage: store.storage, key: store.leaseKey(head.id), subject: `Run ${head.id} of pipeline '${store.pipeline}'`, advice: leaseAdvice, owner: this.#owner, ttlMs, clock, onError };
    return Lease.take(terms, lastFence, over);
  }

  async #held<T>(lease: Lease, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      await lease.release().catch(this.#host.onError);
    }
  }
}
