import type { Clock, Undo } from 'modelkeep';

/** The clock of one of several processes in a test: while it is paused, as a process that was stopped, none of its timers fires. */
export class PausableClock implements Clock {
  readonly #clock: Clock;
  readonly #due: (() => void)[] = [];
  #paused = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  setTimer(callback: () => void, ms: number, options?: { keepAlive?: boolean }): Undo {
    let undone = false;
    const fire = (): void => void (undone || callback());
    const undo = this.#clock.setTimer(() => (this.#paused ? this.#due.push(fire) : fire()), ms, options);
    return () => {
      undone = true;
      undo();
    };
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    for (const fire of this.#due.splice(0)) fire();
  }
}
