import { metricNumber } from './metric-number.ts';

/** The value of JSON that may have bare `NaN` and `Infinity`, as Python writes it; `undefined` when it is none. */
export function lenientJson(text: string): unknown {
  const number = metricNumber(text);
  if (number !== undefined) return number;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return withWords(text);
  }
}

function withWords(text: string): unknown {
  // Any text of the source's own cannot begin so: it would have to be in it.
  let mark = '#';
  while (text.includes(mark)) mark += '#';
  const quoted = text.replace(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (token) => (token.startsWith('"') ? token : `"${mark}${token}"`));
  try {
    return JSON.parse(quoted, (_, value: unknown) => (typeof value === 'string' && value.startsWith(mark) ? Number(value.slice(mark.length)) : value)) as unknown;
  } catch {
    return undefined;
  }
}
