import type { FeatureType } from '../../features/definitions/feature-type.ts';

const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const words = new Map([['nan', NaN], ['inf', Infinity], ['+inf', Infinity], ['-inf', -Infinity], ['infinity', Infinity], ['+infinity', Infinity], ['-infinity', -Infinity]]);
const truths = new Map([['true', true], ['false', false], ['1', true], ['0', false]]);

/** The value of a text for a column of that type. One that is none stays the text that it is, for whoever takes the rows to refuse with its row and column, or to set aside. */
export function cellValue(text: string, type: FeatureType | undefined): unknown {
  switch (type) {
    case undefined:
    case 'string':
      return text;
    case 'float64':
      return number.test(text.trim()) ? Number(text) : (words.get(text.trim().toLowerCase()) ?? text);
    case 'int64':
      return /^[+-]?\d+$/.test(text.trim()) ? BigInt(text.trim().replace('+', '')) : text;
    case 'bool':
      return truths.get(text.trim().toLowerCase()) ?? text;
    case 'timestamp':
      // Digits alone are epoch milliseconds; a year alone would be taken for them, and is no time of an event.
      return /^-?\d{5,}(?:\.\d+)?$/.test(text.trim()) ? Number(text) : text.trim();
    default:
      return parsed(text);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
