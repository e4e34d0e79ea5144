const word = /* @__PURE__ */ new Float64Array(1);
const halves = /* @__PURE__ */ new Int32Array(word.buffer);
const high = /* @__PURE__ */ highHalf();

/** The bin of a number from 0: its exponent and the first six bits behind it, so that a bin is at most 1.6 % wide, and the same in every engine. */
export function latencyBin(ms: number): number {
  word[0] = ms;
  return halves[high]! >>> 14;
}

/** Where a bin begins, which belongs to it; it ends where the next begins. */
export function binStart(bin: number): number {
  word[0] = 0;
  halves[high] = bin << 14;
  return word[0];
}

function highHalf(): 0 | 1 {
  word[0] = 1;
  return halves[1] === 0 ? 0 : 1;
}
