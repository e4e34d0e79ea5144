/** Milliseconds that a `Retry-After` header asks for: seconds, or a date of HTTP (RFC 9110 §10.2.3); `undefined` where it asks for nothing. */
export function retryAfterMs(text: string | null, now: number): number | undefined {
  if (text === null) return undefined;
  if (/^\s*\d+\s*$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
