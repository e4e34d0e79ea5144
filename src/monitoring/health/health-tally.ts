import type { RowTally } from '../judging/judgement.ts';
import type { Observation } from '../monitor-options.ts';
import type { Sums } from '../windows/window-sums.ts';
import { latencyBin } from './latency-bins.ts';

/** Under which keys a window keeps what its health is judged by; those of latencies are their bins. */
export const healthKeys = { requests: 'requests', errors: 'errors', timed: 'timed', total: 'total' } as const;

/** Whether an observed `error` says that the request failed. */
export function isFailure(error: unknown): boolean {
  return error !== undefined && error !== null && error !== false;
}

/** Counts requests, those that failed, and how long each took: a few numbers, however many rows pass. */
export class HealthTally implements RowTally {
  readonly #bins = new Map<number, number>();
  #requests = 0;
  #errors = 0;
  #timed = 0;
  #total = 0;

  observe({ latencyMs, error }: Observation): void {
    this.#requests++;
    if (isFailure(error)) this.#errors++;
    if (typeof latencyMs !== 'number' || !(latencyMs >= 0 && latencyMs < Infinity)) return;
    this.#timed++;
    this.#total += latencyMs;
    const bin = latencyBin(latencyMs);
    this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + 1);
  }

  take(): Sums {
    const { requests, errors, timed, total } = healthKeys;
    const sums: [string, number][] = [[requests, this.#requests], [errors, this.#errors], [timed, this.#timed], [total, this.#total]];
    for (const [bin, count] of this.#bins) sums.push([String(bin), count]);
    this.#requests = this.#errors = this.#timed = this.#total = 0;
    this.#bins.clear();
    return sums;
  }
}
