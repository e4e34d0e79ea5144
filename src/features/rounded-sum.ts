/** `high + low + rest`, rounded once; `rest` is far below both and only its sign matters (as in CPython's fsum). */
export function roundedSum(high: number, low: number, rest: number): number {
  const sum = high + low;
  const error = low - (sum - high);
  if (rest !== 0 && error !== 0 && error > 0 === rest > 0) {
    const twice = error * 2;
    const next = sum + twice;
    if (next - sum === twice) return next;
  }
  return sum;
}

/** The sum of three doubles, rounded once (Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997, as in CPython's fsum). */
export function roundedSumOfThree(high: number, middle: number, low: number): number {
  const inner = middle + low;
  const innerError = errorOf(middle, low, inner);
  const lower = high + innerError;
  const lowerError = errorOf(high, innerError, lower);
  const sum = lower + inner;
  const error = errorOf(lower, inner, sum);
  return error === 0 ? sum + lowerError : roundedSum(sum, error, lowerError);
}

/** What rounding left of `a + b`, exactly. */
function errorOf(a: number, b: number, sum: number): number {
  const part = sum - a;
  return a - (sum - part) + (b - part);
}
