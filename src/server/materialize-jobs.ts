import { Refusal } from './refusal.ts';

/** Which views are being materialized by requests of one server. */
export class MaterializeJobs {
  readonly #busy = new Map<string, number>();
  readonly #failed: (error: unknown) => void;

  /** `failed` is told what nobody waits for. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Begins `work`. Throws 409 while one of the views is being materialized already, unless `force` is set. */
  start(views: readonly string[], force: boolean, work: () => Promise<void>): Promise<void> {
    const busy = views.find((name) => this.#busy.has(name));
    if (busy !== undefined && !force) throw new Refusal(409, 'conflict', `'${busy}' is being materialized; wait, or ask with ?force=true.`, { details: { key: busy } });
    for (const name of views) this.#busy.set(name, (this.#busy.get(name) ?? 0) + 1);
    return work().finally(() => {
      for (const name of views) {
        const left = this.#busy.get(name)! - 1;
        if (left === 0) this.#busy.delete(name);
        else this.#busy.set(name, left);
      }
    });
  }

  /** Lets a job go on by itself. */
  leave(job: Promise<void>): void {
    job.catch(this.#failed);
  }
}
