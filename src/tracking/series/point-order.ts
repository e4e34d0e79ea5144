/**
 * The order of points by step, then timestamp, then as they stand; `undefined` when they stand in it already. Points come from few writers, each of which hardly
 * ever goes back, so what stands in order is merged run by run: O(n log r) for r such runs.
 */
export function orderOf(steps: Float64Array, timestamps: Float64Array): Uint32Array | undefined {
  let starts = runStarts(steps, timestamps);
  if (starts.length <= 2) return undefined;
  const length = steps.length;
  let order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  let spare = new Uint32Array(length);
  while (starts.length > 2) {
    const next: number[] = [];
    for (let run = 0; run + 1 < starts.length; run += 2) {
      const start = starts[run]!;
      const middle = starts[run + 1]!;
      merge(order, spare, start, middle, starts[run + 2] ?? middle, steps, timestamps);
      next.push(start);
    }
    next.push(length);
    starts = next;
    [order, spare] = [spare, order];
  }
  return order;
}

/** Where each run of points in order begins, and the end of all. */
function runStarts(steps: Float64Array, timestamps: Float64Array): number[] {
  const starts = [0];
  for (let i = 1; i < steps.length; i++) {
    const step = steps[i]!;
    const before = steps[i - 1]!;
    if (step < before || (step === before && timestamps[i]! < timestamps[i - 1]!)) starts.push(i);
  }
  starts.push(steps.length);
  return starts;
}

/** Merges two neighbouring runs of `from` into the same places of `into`; of equal points the left one comes first. */
function merge(from: Uint32Array, into: Uint32Array, start: number, middle: number, end: number, steps: Float64Array, timestamps: Float64Array): void {
  let left = start;
  let right = middle;
  let at = start;
  while (left < middle && right < end) {
    const a = from[left]!;
    const b = from[right]!;
    const stepA = steps[a]!;
    const stepB = steps[b]!;
    const rightFirst = stepB < stepA || (stepB === stepA && timestamps[b]! < timestamps[a]!);
    into[at++] = rightFirst ? b : a;
    if (rightFirst) right++;
    else left++;
  }
  into.set(from.subarray(left, middle), at);
  into.set(from.subarray(right, end), at + middle - left);
}
