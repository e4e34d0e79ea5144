/** 2^exponent, exactly, on every machine; from -1074 to 1023. */
export function powerOfTwo(exponent: number): number {
  const view = new DataView(new ArrayBuffer(8));
  if (exponent >= -1022) view.setUint32(0, (exponent + 1023) << 20);
  else if (exponent >= -1042) view.setUint32(0, 2 ** (exponent + 1042));
  else view.setUint32(4, 2 ** (exponent + 1074));
  return view.getFloat64(0);
}

/** The largest e with 2^e ≤ |value|, of a finite value that is not 0. */
export function exponentOf(value: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const high = view.getUint32(0) & 0x7fff_ffff;
  if (high >= 0x10_0000) return (high >>> 20) - 1023;
  if (high > 0) return -1042 + (31 - Math.clz32(high));
  return -1074 + (31 - Math.clz32(view.getUint32(4)));
}
