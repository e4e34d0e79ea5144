import type { RunHost } from '../run-host.ts';
import type { RunHead } from '../run-store.ts';
import { CancelWatch } from './cancel-watch.ts';
import { cancellationOf, cancelledError, type RunCancellation } from './cancellation.ts';

/** What cancels a run that goes on in this process: the signal of whoever runs it, or what somebody has recorded about it anywhere. */
export class RunStop {
  readonly #host: RunHost;
  readonly #run: string;
  readonly #controller = new AbortController();
  readonly #given: AbortSignal | undefined;
  readonly #watch: CancelWatch | undefined;

  constructor(host: RunHost, head: RunHead, given: AbortSignal | undefined) {
    const { id: run, round } = head;
    const { store, clock, leaseMs, onError } = host;
    this.#host = host;
    this.#run = run;
    this.#given = given;
    const known = cancellationOf(head);
    if (known) this.#cancel(known);
    else if (given?.aborted) this.#abort();
    else {
      given?.addEventListener('abort', this.#abort, { once: true });
      this.#watch = new CancelWatch({ run, round, store, clock, leaseMs, onError, onCancel: (cancellation) => this.#cancel(cancellation) });
      host.watches.add(this.#watch);
      this.#watch.start();
    }
  }

  /** Fires when the run is to be cancelled. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Listens and looks no more. */
  async end(): Promise<void> {
    this.#given?.removeEventListener('abort', this.#abort);
    if (this.#watch === undefined) return;
    this.#host.watches.delete(this.#watch);
    await this.#watch.stop();
  }

  #cancel(cancellation: RunCancellation): void {
    this.#controller.abort(cancelledError(`Run ${this.#run} was cancelled`, cancellation));
  }

  readonly #abort = (): void => this.#controller.abort(this.#given?.reason);
}
