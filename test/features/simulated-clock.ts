/** A clock that stands still until it is set; its timers fire at once. */
export function simulatedClock(start: number) {
  let time = start;
  return {
    now: () => time,
    monotonic: () => time,
    setTimer(callback: () => void) {
      queueMicrotask(callback);
      return () => undefined;
    },
    set(to: number) {
      time = to;
    },
  };
}
