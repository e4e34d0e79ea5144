import { canonicalJson, type Encodable } from '../codec.ts';

/** A value as searches compare it: a text by itself, numbers, bigints, booleans and null as JavaScript prints them, dates in ISO 8601, everything else as canonical JSON. */
export function valueText(value: Encodable | undefined): string | undefined {
  switch (typeof value) {
    case 'undefined':
    case 'string':
      return value;
    case 'object':
      if (value === null) return 'null';
      return value instanceof Date ? value.toISOString() : canonicalJson(value);
    default:
      return String(value);
  }
}
