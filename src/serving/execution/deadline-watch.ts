import type { Clock, Undo } from '../../core/clock.ts';

/** What has to be done with by a time. */
interface Due {
  readonly deadline: number;
}

/** Tells of what is not done with in its time, with one timer for all: it is set for the earliest, and keeps the process alive while anything is waited for. */
export class DeadlineWatch<T extends Due> {
  readonly #clock: Clock;
  readonly #onLate: (item: T) => void;
  readonly #items = new Set<T>();
  #timer: Undo | undefined;
  #armedFor = Infinity;

  constructor(clock: Clock, onLate: (item: T) => void) {
    this.#clock = clock;
    this.#onLate = onLate;
  }

  add(item: T): void {
    this.#items.add(item);
    if (item.deadline < this.#armedFor) this.#arm(item.deadline);
  }

  delete(item: T): void {
    if (this.#items.delete(item) && this.#items.size === 0) this.#disarm();
  }

  #arm(deadline: number): void {
    this.#disarm();
    this.#armedFor = deadline;
    this.#timer = this.#clock.setTimer(() => this.#look(), Math.max(0, deadline - this.#clock.monotonic()), { keepAlive: true });
  }

  #disarm(): void {
    this.#timer?.();
    this.#timer = undefined;
    this.#armedFor = Infinity;
  }

  #look(): void {
    this.#disarm();
    const now = this.#clock.monotonic();
    let earliest = Infinity;
    for (const item of [...this.#items]) {
      if (item.deadline > now) {
        earliest = Math.min(earliest, item.deadline);
        continue;
      }
      this.#items.delete(item);
      this.#onLate(item);
    }
    if (this.#items.size > 0 && earliest < this.#armedFor) this.#arm(earliest);
  }
}
