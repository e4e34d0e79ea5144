import { ModelkeepError } from '../../core/errors.ts';
import { LookLoop, type Look } from '../../core/look-loop.ts';
import { systemRandom } from '../../core/random.ts';
import type { LaunchHost } from './launch.ts';

const backoff = { initialMs: 1_000, maxMs: 60_000 };

/** The runs that a worker carries out in this process, and the loop in which it looks for more. */
export class KeptRuns {
  readonly loop: LookLoop;
  readonly #host: Pick<LaunchHost, 'clock' | 'onError'>;
  readonly #cancel = new AbortController();
  readonly #runs = new Map<string, Promise<void>>();

  constructor(host: Pick<LaunchHost, 'clock' | 'onError'>, look: (signal: AbortSignal) => Promise<Look>) {
    const { clock, onError } = host;
    this.#host = host;
    // Whoever keeps schedules wants to be kept alive for the next one.
    this.loop = new LookLoop({ clock, random: systemRandom, look, onError, backoff, keepAlive: true, closed });
  }

  get running(): number {
    return this.#runs.size;
  }

  has(run: string): boolean {
    return this.#runs.has(run);
  }

  /** Carries a run out, unless that goes on already; what it throws is told, and the loop looks again when it has ended. */
  carryOut(run: string, work: (signal: AbortSignal) => Promise<void>): void {
    if (this.#runs.has(run)) return;
    const done = work(this.#cancel.signal)
      .catch((error: unknown) => this.#host.onError(error))
      .finally(() => {
        this.#runs.delete(run);
        this.loop.wakeNow();
      });
    this.#runs.set(run, done);
  }

  /** Looks no more, and waits for the runs that go on here; they are cancelled when the signal fires. */
  async close(signal: AbortSignal | undefined): Promise<void> {
    const stopped = this.loop.stop();
    const cancel = (): void => this.#cancel.abort(signal?.reason);
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
    await stopped;
    await Promise.all(this.#runs.values());
    signal?.removeEventListener('abort', cancel);
    this.loop.dismiss();
  }
}

function closed(): ModelkeepError {
  return new ModelkeepError('closed', 'The keeper of the pipeline is closed.', {});
}
