/** A short text for any value, fit for a message; never throws. */
export function shown(value: unknown, maxLength = 200): string {
  let text: string | undefined;
  try {
    if (typeof value === 'bigint') text = `${value}n`;
    // JSON has null for NaN and invalid dates, and nothing of a map.
    else if (typeof value === 'number' || (value instanceof Date && Number.isNaN(value.getTime()))) text = String(value);
    else if (!(value instanceof Map || value instanceof Set)) text = JSON.stringify(value);
  } catch {
    // Cycles and bigints inside objects have no JSON.
  }
  text ??= value === undefined || typeof value === 'symbol' || typeof value === 'function' ? String(value) : Object.prototype.toString.call(value);
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}
