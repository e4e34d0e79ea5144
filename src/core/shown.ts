/** A short text for any value, fit for a message; never throws. */
export function shown(value: unknown, maxLength = 200): string {
  let text: string | undefined;
  try {
    text = typeof value === 'bigint' ? `${value}n` : typeof value === 'number' ? String(value) : JSON.stringify(value);
  } catch {
    // Cycles and bigints inside objects have no JSON.
  }
  text ??= value === undefined || typeof value === 'symbol' || typeof value === 'function' ? String(value) : Object.prototype.toString.call(value);
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}
