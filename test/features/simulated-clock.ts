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

/** One on which waiting takes no time, so that whoever died holds nobody up. */
export function hastyClock(start: number) {
  let passed = 0;
  return { ...simulatedClock(start), monotonic: () => (passed += 1000) };
}

/** A {@link hastyClock} that runs on by itself. */
export function runningClock(start: number) {
  const clock = hastyClock(start);
  const now = (): number => {
    clock.set(clock.now() + 1);
    return clock.now();
  };
  return { ...clock, now };
}
