const float = /* @__PURE__ */ new Float32Array(1);
const bits = /* @__PURE__ */ new Uint32Array(float.buffer);

/** The number that 16 bits of IEEE 754 binary16 stand for. */
export function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The bits of the nearest binary16 of a number, ties to even; of one that is too large those of infinity. */
export function numberToHalf(value: number): number {
  float[0] = value;
  const single = bits[0]!;
  const sign = (single >>> 16) & 0x8000;
  if (Number.isNaN(value)) return 0x7e00;
  const magnitude = Math.abs(value);
  // Halfway between the largest and what would be the next.
  if (magnitude >= 65520) return sign | 0x7c00;
  // Rounding to 32 bits may carry into the exponent; then the steps below are as many as that exponent begins with.
  const power = Math.max(-14, ((single >>> 23) & 0xff) - 127);
  const steps = roundToEven(magnitude / 2 ** (power - 10));
  // The steps of the least exponent begin at 0, those of all others at 1024; a carry runs over into the exponent, as it should.
  return sign | (steps + (power + 14) * 1024);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
