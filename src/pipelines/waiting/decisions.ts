import type { Clock } from '../../core/clock.ts';
import type { Page } from '../../core/page.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { QuarantinedOutput } from '../quarantine/read-quarantined.ts';
import type { RunStore } from '../run-store.ts';
import type { StepHandle } from '../step.ts';
import type { StepReleaseOptions, Verdict } from './decide.ts';
import type { ListWaitingOptions } from './list-waiting.ts';
import type { WaitingStep } from './wait.ts';

/** What is decided, or is to be decided, about the runs of a pipeline; loaded when it is asked for. */
export class Decisions {
  readonly #store: RunStore;
  readonly #clock: Clock;

  constructor(store: RunStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  async decide(run: string, step: StepHandle | string, verdict: Verdict, options: StepReleaseOptions): Promise<void> {
    const { decideStep } = await import('./decide.ts');
    await decideStep({ store: this.#store, clock: this.#clock, head: await this.#store.presentHead(run), step }, verdict, options);
  }

  async waiting(options: ListWaitingOptions): Promise<Page<WaitingStep>> {
    const { listWaiting } = await import('./list-waiting.ts');
    return listWaiting(this.#store, options);
  }

  async quarantined<Output>(run: string, step: StepHandle<Output> | string, options: OperationOptions): Promise<QuarantinedOutput<Output>> {
    const { readQuarantined } = await import('../quarantine/read-quarantined.ts');
    return readQuarantined(this.#store, await this.#store.presentHead(run, options), step);
  }
}
