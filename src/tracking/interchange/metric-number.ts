const word = /^([+-])?(?:(nan)|inf(?:inity)?)$/i;

/** The number that a text is, in any of the spellings that trackers write, such as `1e-10`, `nan`, `-inf` and `Infinity`; `undefined` for any other text. */
export function metricNumber(text: string): number | undefined {
  const value = Number(text);
  if (Number.isFinite(value)) return isDecimal(text) ? value : undefined;
  // What is beyond the range of a double is infinite, as in every other language.
  if (!Number.isNaN(value) && isDecimal(text)) return value;
  const found = word.exec(text);
  if (found === null) return undefined;
  return found[2] !== undefined ? NaN : found[1] === '-' ? -Infinity : Infinity;
}

/** The whole number that a text is, also as `3.0`; `undefined` for any other text, and for one that a double cannot hold. */
export function wholeNumber(text: string): number | undefined {
  const value = metricNumber(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Whether a text that JavaScript takes for a number is one elsewhere too: it is not empty, has no space around it, and is in base 10. */
function isDecimal(text: string): boolean {
  const first = text.charCodeAt(0);
  const last = text.charCodeAt(text.length - 1);
  if (!(isDigit(first) || first === 0x2b || first === 0x2d || first === 0x2e) || !(isDigit(last) || last === 0x2e)) return false;
  const second = text.charCodeAt(1) | 0x20;
  return first !== 0x30 || !(second === 0x78 || second === 0x62 || second === 0x6f);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
