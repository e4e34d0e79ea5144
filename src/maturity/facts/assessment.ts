import type { Clock } from '../../core/clock.ts';
import { describeFailure } from '../../core/failure.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { isDamage } from '../../storage/read-each.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import type { ResolvedPolicy } from '../maturity-policy.ts';
import type { MaturityDamage, VerifiedFiles } from '../maturity-report.ts';

const mostDamage = 100;

/** What an assessment works with, and what it has come upon. */
export class Assessment {
  readonly storage: StorageAdapter;
  readonly clock: Clock;
  readonly policy: ResolvedPolicy;
  /** When the window begins and ends, epoch milliseconds. */
  readonly from: number;
  readonly now: number;
  readonly signal: AbortSignal | undefined;
  /** The versions whose files were read. */
  readonly verified: VerifiedFiles[] = [];
  readonly #damaged = new Map<string, MaturityDamage>();

  constructor({ storage, clock, policy, windowMs, signal }: { readonly storage: StorageAdapter; readonly clock: Clock; readonly policy: ResolvedPolicy; readonly windowMs: number; readonly signal?: AbortSignal | undefined }) {
    this.storage = storage;
    this.clock = clock;
    this.policy = policy;
    this.now = clock.now();
    this.from = this.now - windowMs;
    this.signal = signal;
  }

  /** What every reading takes. */
  get options(): OperationOptions {
    return { signal: this.signal };
  }

  /** What could not be read. */
  get damaged(): readonly MaturityDamage[] {
    return [...this.#damaged.values()];
  }

  /** Notes what cannot be read; throws on what says that the storage fails, or that it was enough. */
  note(what: string, error: unknown): void {
    if (!isDamage(error)) throw error;
    this.noteMessage(what, describeFailure(error).message);
  }

  /** Notes what cannot be read, as a page told it. */
  noteMessage(what: string, message: string): void {
    if (this.#damaged.size < mostDamage) this.#damaged.set(`${what} ${message}`, { what, message });
  }
}

/** Reads once, whoever asks. */
export function once<T>(read: () => Promise<T>): () => Promise<T> {
  let known: Promise<T> | undefined;
  return () => (known ??= read());
}

/** The middle of some numbers; `undefined` of none. */
export function medianOf(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1]! + sorted[half]!) / 2;
}
