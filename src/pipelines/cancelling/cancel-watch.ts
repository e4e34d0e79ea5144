import type { Clock, Undo } from '../../core/clock.ts';
import type { ErrorListener } from '../../core/logger.ts';
import type { Version } from '../../storage/contract.ts';
import type { RunHead, RunStore } from '../run-store.ts';
import { cancellationOf, type RunCancellation } from './cancellation.ts';

// The longest time until a cancel of another process is found where the storage does not hint at it.
const longestPauseMs = 5_000;
// A run writes often, and each write is a hint.
const hintPauseMs = 250;

/** What is looked for with. */
export interface CancelWatchParts {
  readonly run: string;
  readonly round: number;
  readonly store: RunStore;
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly onError: ErrorListener;
  /** Is told once. */
  readonly onCancel: (cancellation: RunCancellation) => void;
}

/** Looks whether somebody has asked for a run to be cancelled that goes on in this process. Its timer keeps no process alive. */
export class CancelWatch {
  readonly #parts: CancelWatchParts;
  readonly #stop = new AbortController();
  #known: Version | undefined;
  #due = Infinity;
  #undo: Undo = () => undefined;
  #unhook: Undo = () => undefined;
  #looking: Promise<void> | undefined;

  constructor(parts: CancelWatchParts) {
    this.#parts = parts;
  }

  get run(): string {
    return this.#parts.run;
  }

  start(): void {
    this.#unhook = this.#parts.store.storage.onChange?.(() => this.#arm(hintPauseMs)) ?? this.#unhook;
    this.#arm(this.#intervalMs);
  }

  /** Looks at once. */
  wake(): void {
    this.#undo();
    this.#fire();
  }

  /** Resolves when no look is under way and none will be. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#undo();
    this.#unhook();
    await this.#looking;
  }

  get #intervalMs(): number {
    return Math.min(longestPauseMs, this.#parts.leaseMs / 3);
  }

  #arm(ms: number): void {
    const { clock } = this.#parts;
    const due = clock.monotonic() + ms;
    if (this.#stop.signal.aborted || due >= this.#due) return;
    this.#undo();
    this.#due = due;
    this.#undo = clock.setTimer(() => this.#fire(), ms);
  }

  #fire(): void {
    this.#due = Infinity;
    // One that is under way may have read before what is to be found now.
    this.#looking = (this.#looking ?? Promise.resolve()).then(() => this.#look()).then(() => this.#arm(this.#intervalMs));
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { run, round, store, onError, onCancel } = this.#parts;
    const { signal } = this.#stop;
    if (signal.aborted) return;
    try {
      const found = await store.headSince(run, this.#known, { signal });
      this.#known = found?.version;
      const cancellation = found?.head && cancellationIn(found.head, round);
      if (cancellation === undefined || signal.aborted) return;
      this.#stop.abort();
      this.#unhook();
      onCancel(cancellation);
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
  }
}

/** A later round is somebody else's, who finds its own. */
function cancellationIn(head: RunHead, round: number): RunCancellation | undefined {
  return head.round === round ? cancellationOf(head) : undefined;
}
