import type { Undo } from '../../core/clock.ts';
import { isModelkeepError } from '../../core/errors.ts';
import type { Look } from '../../core/look-loop.ts';
import { KeptRuns } from '../launching/kept-runs.ts';
import type { KeptWorker } from '../launching/launch-worker.ts';
import type { LaunchHost, LaunchOptions } from '../launching/launch.ts';
import { cancellationOf } from '../cancelling/cancellation.ts';
import type { LeaseRecord } from '../../storage/lease.ts';
import { hasEnded } from '../run-state.ts';
import type { RunHead } from '../run-store.ts';
import { decisionOf } from './decision.ts';

// A clock that was set is noticed after so long.
const longestPauseMs = 60_000;
const runsAtOnce = 200;

/** What the runs that wait are looked after with. */
export interface WaitWork {
  readonly host: LaunchHost;
  readonly intervalMs: number;
  readonly options: Omit<LaunchOptions, 'signal'>;
}

/** Goes on with runs that waited for somebody: as soon as that is decided, or the time for it is over, or when the process that went on with one has died. And with those that are to be cancelled, when nobody works on them. */
export class WaitWorker implements KeptWorker {
  readonly #work: WaitWork;
  readonly #runs: KeptRuns;
  /** Runs that this definition cannot go on with. */
  readonly #refused = new Set<string>();
  #unhook: Undo = () => undefined;

  constructor(work: WaitWork) {
    this.#work = work;
    this.#runs = new KeptRuns(work.host, (signal) => this.#look(signal));
  }

  get running(): number {
    return this.#runs.running;
  }

  start(): void {
    this.#unhook = this.#work.host.store.storage.onChange?.(() => this.#work.host.hasApprovals() && this.wake()) ?? this.#unhook;
    this.#runs.loop.start();
  }

  wake(): void {
    this.#runs.loop.wake();
  }

  idle(): Promise<void> {
    return this.#runs.loop.idle();
  }

  async close(signal: AbortSignal | undefined): Promise<void> {
    this.#unhook();
    await this.#runs.close(signal);
  }

  async #look(signal: AbortSignal): Promise<Look> {
    const { host, intervalMs } = this.#work;
    let next = intervalMs;
    let noted: { readonly run: string; readonly version: string }[] = [];
    for await (const note of host.store.waitingRuns(undefined, { signal })) {
      noted.push(note);
      if (noted.length < runsAtOnce) continue;
      next = Math.min(next, await this.#takeUp(noted, signal));
      noted = [];
    }
    next = Math.min(next, await this.#takeUp(noted, signal));
    return { waitMs: Math.min(Math.max(next, 1), longestPauseMs), settled: this.#runs.running === 0 };
  }

  /** Goes on with those of these runs that can, and tells how soon one of the others may. */
  async #takeUp(noted: readonly { readonly run: string; readonly version: string }[], signal: AbortSignal): Promise<number> {
    const { store, clock } = this.#work.host;
    if (noted.length === 0) return Infinity;
    const runs = noted.map(({ run }) => run);
    const [heads, leases] = [await store.eachHead(runs, { signal }), await store.eachLease(runs, { signal })];
    let next = Infinity;
    for (const [i, { run, version }] of noted.entries()) {
      const head = heads[i] && 'state' in heads[i] ? heads[i].state : undefined;
      if (signal.aborted || head === undefined || this.#refused.has(run)) continue;
      const now = clock.now();
      if (hasEnded(head.status)) await store.forgetWaiting(run, version);
      else if (mayGoOn(head, leases[i], now)) this.#carryOut(head);
      else next = Math.min(next, (head.parked?.until ?? Infinity) - now);
    }
    return next;
  }

  #carryOut({ id: run, triggeredBy = { kind: 'call' }, startedAt: claimedAt }: RunHead): void {
    const { host, options } = this.#work;
    this.#runs.carryOut(run, async (signal) => {
      try {
        await host.carryOut({ run, triggeredBy, claimedAt }, { ...options, signal });
      } catch (error) {
        // What the definition does not allow will not come right by itself.
        if (isModelkeepError(error, 'validation', 'unsupported')) this.#refused.add(run);
        throw error;
      }
    });
  }
}

/** Whether there is something to do in a run that nobody does. */
function mayGoOn(head: RunHead, lease: LeaseRecord | undefined, now: number): boolean {
  if (lease !== undefined && lease.expiresAt > now) return false;
  const { status, parked } = head;
  if (status !== 'waiting' || parked === undefined || cancellationOf(head)) return true;
  return (parked.until !== undefined && parked.until <= now) || parked.steps.some((step) => decisionOf(head, step) !== undefined);
}
