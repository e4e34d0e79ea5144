import { canonicalJson, type Encodable } from '../../core/codec.ts';
import type { RunRecord } from '../run-record.ts';

/** The values of one param in several runs, as numbers when all of them are, else as categories. */
export type ParamColumn =
  | { readonly kind: 'number'; readonly values: readonly (number | undefined)[] }
  | { readonly kind: 'category'; readonly values: readonly (string | undefined)[] };

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** The names of all params of runs, in the order in which they are met. */
export function paramNames(runs: readonly RunRecord[]): string[] {
  return [...new Set(runs.flatMap(({ params }) => Object.keys(params)))];
}

/**
 * A param as a column. It is numeric when every run that has it has a number, or a text that is one, as imported runs do; truth values, other texts and lists
 * are categories.
 */
export function paramColumn(runs: readonly RunRecord[], name: string): ParamColumn {
  const given = runs.map(({ params }) => (Object.hasOwn(params, name) ? params[name] : undefined));
  const numbers = given.map((value) => (value === undefined ? undefined : asNumber(value)));
  if (given.every((value, i) => value === undefined || numbers[i] !== undefined)) return { kind: 'number', values: numbers };
  return { kind: 'category', values: given.map((value) => (value === undefined ? undefined : typeof value === 'string' ? value : canonicalJson(value))) };
}

function asNumber(value: Encodable): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'string' && decimal.test(value.trim()) ? Number(value) : undefined;
}
