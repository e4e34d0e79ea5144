/**
 * Adds a number to parts whose sum is kept exactly, in place (Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997, as in CPython's fsum): a few doubles, of however many numbers they are the sum.
 * Where two of them would overflow, both are kept. NaN and infinities are kept once each.
 */
export function addExactly(parts: number[], value: number): void {
  if (value - value !== 0) {
    if (!parts.some((part) => Object.is(part, value))) parts.push(value);
    return;
  }
  let rest = value;
  let kept = 0;
  for (const part of parts) {
    const sum = rest + part;
    if (sum - sum !== 0) {
      parts[kept++] = part;
      continue;
    }
    const [large, small] = Math.abs(rest) < Math.abs(part) ? [part, rest] : [rest, part];
    const error = small - (sum - large);
    if (error !== 0) parts[kept++] = error;
    rest = sum;
  }
  parts.length = kept;
  if (rest !== 0) parts.push(rest);
}
